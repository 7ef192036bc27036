package dev.quire.engine;

import dev.quire.sampling.BeamParameters;
import dev.quire.sampling.SamplingParameters;
import java.util.List;
import java.util.Optional;
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
/// - `beams`: the choices are the best that a beam search finds, best first, instead of drawn ones
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
        String cacheSalt,
        Optional<BeamParameters> beams) {
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
        if (beams.isPresent()) {
            checkBeams(beams.get(), choices, sampling, stop, logprobs, scorePrompt);
        }
    }

    /// A search looks at the model's own log-probabilities, and its answers are known at its end.
    private static void checkBeams(
            BeamParameters beams,
            int choices,
            SamplingParameters sampling,
            List<String> stop,
            int logprobs,
            boolean scorePrompt) {
        if (beams.width() < choices) {
            throw new IllegalArgumentException(
                    "beam_width must be at least n: beam_width=" + beams.width() + ", n=" + choices);
        }
        if (!sampling.equals(SamplingParameters.greedy().withSeed(sampling.seed()))) {
            throw new IllegalArgumentException("sampling must be greedy in a beam search: sampling=" + sampling);
        }
        if (!stop.isEmpty()) {
            throw new IllegalArgumentException(
                    "stop must not be given with use_beam_search: stop.length=" + stop.size());
        }
        if (logprobs != NO_LOGPROBS) {
            throw new IllegalArgumentException("logprobs must not be given with use_beam_search: logprobs=" + logprobs);
        }
        if (scorePrompt) {
            throw new IllegalArgumentException("scorePrompt must not be set with use_beam_search: scorePrompt=true");
        }
    }

    /// Drawn choices.
    public GenerationRequest(
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
        this(
                prompt,
                choices,
                maxTokens,
                sampling,
                stop,
                ignoreEos,
                priority,
                logprobs,
                scorePrompt,
                cacheSalt,
                Optional.empty());
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
