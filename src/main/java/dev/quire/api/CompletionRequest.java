package dev.quire.api;

import dev.quire.engine.GenerationRequest;
import java.util.Optional;
import java.util.OptionalInt;

/// The body of `POST /v1/completions`; `src/main/resources/META-INF/openapi.yaml` describes its fields.
///
/// - `logprobs`: alternatives wanted per token, or {@link GenerationRequest#NO_LOGPROBS}
record CompletionRequest(
        Optional<String> model,
        Prompt prompt,
        int maxTokens,
        boolean echo,
        int logprobs,
        GenerationParameters parameters) {
    /// OpenAI's default, kept by vLLM.
    static final int DEFAULT_MAX_TOKENS = 16;

    static CompletionRequest parse(RequestFields fields) {
        GenerationParameters.one(fields, "best_of");
        if (fields.text("suffix").isPresent()) {
            throw ApiException.invalid("suffix", "suffix must not be given: it is not supported");
        }
        boolean echo = fields.flag("echo", false);
        int maxTokens = fields.integer("max_tokens").orElse(DEFAULT_MAX_TOKENS);
        if (maxTokens < (echo ? 0 : 1)) {
            throw ApiException.invalid(
                    "max_tokens", "max_tokens must be at least " + (echo ? 0 : 1) + ": max_tokens=" + maxTokens);
        }
        return new CompletionRequest(
                fields.text("model"),
                Prompt.parse(fields),
                maxTokens,
                echo,
                fields.integer("logprobs", 0, 20).orElse(GenerationRequest.NO_LOGPROBS),
                GenerationParameters.parse(fields));
    }

    boolean wantsLogprobs() {
        return logprobs != GenerationRequest.NO_LOGPROBS;
    }

    /// What the engine is asked for. A request for no tokens at all is one for the prompt's scores, wanted or not: the
    /// engine does something for every request.
    GenerationRequest generation(int[] tokens) {
        boolean scorePrompt = echo && (wantsLogprobs() || maxTokens == 0);
        return parameters.request(tokens, OptionalInt.of(maxTokens), logprobs, scorePrompt);
    }
}
