package dev.quire.api;

import dev.quire.engine.GenerationRequest;
import java.util.Optional;
import java.util.OptionalInt;

/// The body of `POST /v1/completions`; `src/main/resources/META-INF/openapi.yaml` describes its fields.
///
/// - `bestOf`: choices that are drawn, of which the best `n` are shown
/// - `logprobs`: alternatives wanted per token, or {@link GenerationRequest#NO_LOGPROBS}
record CompletionRequest(
        Optional<String> model,
        Prompt prompt,
        int bestOf,
        int maxTokens,
        boolean echo,
        int logprobs,
        GenerationParameters parameters) {
    /// OpenAI's default, kept by vLLM.
    static final int DEFAULT_MAX_TOKENS = 16;

    static CompletionRequest parse(RequestFields fields) {
        if (fields.text("suffix").isPresent()) {
            throw ApiException.invalid("suffix", "suffix must not be given: it is not supported");
        }
        boolean echo = fields.flag("echo", false);
        OptionalInt bestOf = fields.integer("best_of", 1, GenerationParameters.MAX_CHOICES);
        var parameters = GenerationParameters.parse(fields, bestOf);
        int maxTokens = fields.integer("max_tokens").orElse(DEFAULT_MAX_TOKENS);
        int least = echo && parameters.beams().isEmpty() ? 0 : 1; // of a prompt that is only scored
        if (maxTokens < least) {
            throw ApiException.invalid(
                    "max_tokens", "max_tokens must be at least " + least + ": max_tokens=" + maxTokens);
        }
        return new CompletionRequest(
                fields.text("model"),
                Prompt.parse(fields),
                bestOf(bestOf, parameters),
                maxTokens,
                echo,
                fields.integer("logprobs", 0, 20).orElse(GenerationRequest.NO_LOGPROBS),
                parameters);
    }

    private static int bestOf(OptionalInt asked, GenerationParameters parameters) {
        int n = parameters.n();
        if (parameters.beams().isPresent()) {
            return n; // none is drawn
        }
        int bestOf = asked.orElse(n);
        if (bestOf < n) {
            throw ApiException.invalid("best_of", "best_of must be at least n: best_of=" + bestOf + ", n=" + n);
        }
        if (bestOf > n && parameters.stream()) {
            // Which are the best is known at their ends.
            throw ApiException.invalid("best_of", "best_of must be n with stream: best_of=" + bestOf + ", n=" + n);
        }
        return bestOf;
    }

    boolean wantsLogprobs() {
        return logprobs != GenerationRequest.NO_LOGPROBS;
    }

    /// What the engine is asked for. A request for no tokens at all is one for the prompt's scores, wanted or not: the
    /// engine does something for every request.
    GenerationRequest generation(int[] tokens) {
        boolean scorePrompt = echo && (wantsLogprobs() || maxTokens == 0);
        // The best are those with the best log-probabilities, shown or not.
        int scored = bestOf > parameters.n() ? Math.max(0, logprobs) : logprobs;
        return parameters.request(tokens, bestOf, OptionalInt.of(maxTokens), scored, scorePrompt);
    }
}
