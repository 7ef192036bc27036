package dev.quire.engine;

import dev.quire.scheduler.TokenBuffer;
import java.util.List;

/// The scores of a prompt, which all its choices tell: read once. Not thread-safe: the thread that drains their stream
/// has them.
final class PromptScores {
    private final TokenBuffer buffer;
    private List<TokenLogprob> tokens = List.of();

    PromptScores(TokenBuffer buffer) {
        this.buffer = buffer;
    }

    /// Whether there will be any.
    boolean wanted() {
        return buffer.maxTokens() > 0;
    }

    /// Whether all that will be are there.
    boolean complete() {
        return buffer.count() == buffer.maxTokens();
    }

    /// From the prompt's second token on, once they are complete.
    List<TokenLogprob> tokens() {
        if (tokens.isEmpty()) {
            tokens = TokenLogprob.of(buffer, 0, buffer.count());
        }
        return tokens;
    }
}
