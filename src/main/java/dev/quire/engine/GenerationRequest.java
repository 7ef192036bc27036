package dev.quire.engine;

import dev.quire.sampling.SamplingParameters;
import java.util.List;
import java.util.OptionalInt;

/// What one caller asks the engine for.
///
/// - `prompt`: token ids, at least one
/// - `maxTokens`: most tokens to generate; empty = what context and pool allow. 0 is allowed with `scorePrompt`
/// - `stop`: the answer ends before the first of these; `ignoreEos`: an end-of-text token does not end it
/// - `priority`: lower runs first, then arrival
/// - `logprobs`: alternatives wanted per token, 0 … 20, or {@link #NO_LOGPROBS}
/// - `scorePrompt`: also the log-probabilities of the prompt's tokens
public record GenerationRequest(
        int[] prompt,
        OptionalInt maxTokens,
        SamplingParameters sampling,
        List<String> stop,
        boolean ignoreEos,
        int priority,
        int logprobs,
        boolean scorePrompt) {
    public static final int NO_LOGPROBS = -1;

    public GenerationRequest {
        if (prompt.length == 0) {
            throw new IllegalArgumentException("prompt must not be empty: prompt.length=0");
        }
        if (maxTokens.isPresent() && maxTokens.getAsInt() < (scorePrompt ? 0 : 1)) {
            throw new IllegalArgumentException(
                    "max_tokens must be at least " + (scorePrompt ? 0 : 1) + ": max_tokens=" + maxTokens.getAsInt());
        }
        if (logprobs < NO_LOGPROBS || logprobs > 20) {
            throw new IllegalArgumentException("logprobs must be between 0 and 20: logprobs=" + logprobs);
        }
        stop = List.copyOf(stop);
        if (stop.contains("")) {
            throw new IllegalArgumentException("stop must not contain an empty string: stop=" + stop);
        }
    }
}
