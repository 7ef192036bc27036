package dev.quire.api;

import dev.quire.engine.TokenLogprob;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Makes {@link CompletionLogprobs} token by token and keeps count of the text's length. Not thread-safe: one request
/// owns it.
final class CompletionLogprobsWriter {
    private final TokenText texts;

    private List<String> tokens = new ArrayList<>();
    private List<Float> tokenLogprobs = new ArrayList<>();
    private List<Map<String, Float>> topLogprobs = new ArrayList<>();
    private List<Integer> textOffsets = new ArrayList<>();
    private int offset;

    CompletionLogprobsWriter(TokenText texts) {
        this.texts = texts;
    }

    /// Tells where the next token's text begins.
    void moveTo(int offset) {
        this.offset = offset;
    }

    /// A prompt's first token: nothing came before it. `shown`: whether the text has it; a token that was added at the
    /// beginning is not in the text.
    void addFirst(int token, boolean shown) {
        tokens.add(texts.text(token));
        tokenLogprobs.add(null);
        topLogprobs.add(null);
        textOffsets.add(offset);
        offset += shown ? texts.width(token) : 0;
    }

    void add(TokenLogprob logprob) {
        tokens.add(texts.text(logprob.token()));
        tokenLogprobs.add(logprob.logprob());
        topLogprobs.add(alternatives(logprob));
        textOffsets.add(offset);
        offset += texts.width(logprob.token());
    }

    /// What was added since the last call.
    CompletionLogprobs take() {
        var taken = new CompletionLogprobs(tokens, tokenLogprobs, topLogprobs, textOffsets);
        tokens = new ArrayList<>();
        tokenLogprobs = new ArrayList<>();
        topLogprobs = new ArrayList<>();
        textOffsets = new ArrayList<>();
        return taken;
    }

    /// The most likely tokens and, as OpenAI promises, always the chosen one: up to one more than asked for.
    private Map<String, Float> alternatives(TokenLogprob logprob) {
        var alternatives = new LinkedHashMap<String, Float>();
        for (int i = 0; i < logprob.topTokens().length; i++) {
            alternatives.putIfAbsent(texts.text(logprob.topTokens()[i]), logprob.topLogprobs()[i]);
        }
        alternatives.putIfAbsent(texts.text(logprob.token()), logprob.logprob());
        return alternatives;
    }
}
