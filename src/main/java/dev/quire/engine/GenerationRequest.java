package dev.quire.engine;

import dev.quire.sampling.SamplingParameters;
import java.util.List;
import java.util.OptionalInt;

/// What one caller asks the engine for.
///
/// - `prompt`: token ids, at least one
/// - `choices`: answers to it, at least 1. Choice i draws with `seed + i` and says what the request alone with that
///   seed would; the prompt is computed once
/// - `maxTokens`: most tokens to generate; empty = what context and pool allow. 0 is allowed with `scorePrompt`
/// - `stop`: the answer ends before the first of these; `ignoreEos`: an end-of-text token does not end it
/// - `priority`: lower runs first, then arrival
/// - `logprobs`: alternatives wanted per token, 0 … 20, or {@link #NO_LOGPROBS}
/// - `scorePrompt`: also the log-probabilities of the prompt's tokens
/// - `cacheSalt`: prefixes are shared among requests with the same one only; empty = among all that have none
public record GenerationRequest(
        int[] prompt,
        int choices,
        OptionalInt maxTokens,
        SamplingParameters sampling,
        List<String> stop,
        boolean ignoreEos,
        int priority,
        int logprobs,
        boolean scorePrompt,
        String cacheSalt) {
    public static final int NO_LOGPROBS = -1;

    public GenerationRequest {
        if (prompt.length == 0) {
            throw new IllegalArgumentException("prompt must not be empty: prompt.length=0");
        }
        if (choices < 1) {
            throw new IllegalArgumentException("n must be at least 1: n=" + choices);
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

    /// One choice, which shares its prefix with all.
    public GenerationRequest(
            int[] prompt,
            OptionalInt maxTokens,
            SamplingParameters sampling,
            List<String> stop,
            boolean ignoreEos,
            int priority,
            int logprobs,
            boolean scorePrompt) {
        this(prompt, 1, maxTokens, sampling, stop, ignoreEos, priority, logprobs, scorePrompt, "");
    }
}
