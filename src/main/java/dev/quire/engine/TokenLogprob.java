package dev.quire.engine;

import dev.quire.scheduler.TokenBuffer;
import java.util.ArrayList;
import java.util.List;

/// Natural log-probability of a token under the model, before temperature and penalties, with the most likely
/// alternatives (most likely first) where they were asked for.
public record TokenLogprob(int token, float logprob, int[] topTokens, float[] topLogprobs) {
    /// Those of `buffer`'s tokens `from … to`.
    static List<TokenLogprob> of(TokenBuffer buffer, int from, int to) {
        List<TokenLogprob> logprobs = new ArrayList<>(to - from);
        for (int i = from; i < to; i++) {
            int[] topTokens = new int[buffer.alternatives()];
            float[] topLogprobs = new float[buffer.alternatives()];
            for (int rank = 0; rank < topTokens.length; rank++) {
                topTokens[rank] = buffer.topToken(i, rank);
                topLogprobs[rank] = buffer.topLogprob(i, rank);
            }
            logprobs.add(new TokenLogprob(buffer.token(i), buffer.logprob(i), topTokens, topLogprobs));
        }
        return logprobs;
    }
}
