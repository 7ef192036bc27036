package dev.quire.api;

import dev.quire.engine.GenerationRequest;
import java.util.Optional;
import java.util.OptionalInt;

/// The body of `POST /v1/chat/completions`; `src/main/resources/META-INF/openapi.yaml` describes its fields.
///
/// - `maxTokens`: empty = what context and pool allow
/// - `logprobs`: alternatives wanted per token, or {@link GenerationRequest#NO_LOGPROBS}
record ChatCompletionRequest(
        Optional<String> model,
        ChatPrompt prompt,
        OptionalInt maxTokens,
        int logprobs,
        GenerationParameters parameters) {
    static ChatCompletionRequest parse(RequestFields fields) {
        return new ChatCompletionRequest(
                fields.text("model"),
                ChatPrompt.parse(fields),
                maxTokens(fields),
                logprobs(fields),
                GenerationParameters.parse(fields, OptionalInt.empty()));
    }

    boolean wantsLogprobs() {
        return logprobs != GenerationRequest.NO_LOGPROBS;
    }

    GenerationRequest generation(int[] tokens) {
        return parameters.request(tokens, parameters.n(), maxTokens, logprobs, false);
    }

    /// The newer name wins.
    private static OptionalInt maxTokens(RequestFields fields) {
        OptionalInt older = fields.integer("max_tokens", 1, Integer.MAX_VALUE);
        OptionalInt newer = fields.integer("max_completion_tokens", 1, Integer.MAX_VALUE);
        return newer.isPresent() ? newer : older;
    }

    private static int logprobs(RequestFields fields) {
        boolean wanted = fields.flag("logprobs", false);
        OptionalInt alternatives = fields.integer("top_logprobs", 0, 20);
        if (wanted) {
            return alternatives.orElse(0);
        }
        if (alternatives.isPresent() && alternatives.getAsInt() > 0) {
            throw ApiException.invalid(
                    "top_logprobs",
                    "top_logprobs must only be given with logprobs: top_logprobs=" + alternatives.getAsInt()
                            + ", logprobs=false");
        }
        return GenerationRequest.NO_LOGPROBS;
    }
}
