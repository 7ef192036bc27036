package dev.quire.api;

import com.fasterxml.jackson.annotation.JsonAnyGetter;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import java.util.List;
import java.util.Map;

/// A completion, whole or one chunk of it. `usage` is a map of at most one field: a chunk may leave it out or say
/// null.
@JsonPropertyOrder({"id", "object", "created", "model", "choices"})
public record CompletionResponse(
        @JsonProperty("id") String id,
        @JsonProperty("object") String object,
        @JsonProperty("created") long createdSeconds,
        @JsonProperty("model") String model,
        @JsonProperty("choices") List<Choice> choices,
        @JsonAnyGetter Map<String, Usage> usage) {
    /// One answer. `logprobs` and `finishReason` are null where there are none, as OpenAI writes them; `score` is
    /// that of an answer that a beam search found, and left out otherwise.
    public record Choice(
            @JsonProperty("index") int index,
            @JsonProperty("text") String text,
            @JsonProperty("logprobs") CompletionLogprobs logprobs,
            @JsonProperty("finish_reason") String finishReason,

            @JsonProperty("score") @JsonInclude(JsonInclude.Include.NON_NULL)
            Double score) {
        /// One that has not ended.
        Choice(int index, String text, CompletionLogprobs logprobs) {
            this(index, text, logprobs, null, null);
        }
    }

    static CompletionResponse of(AnswerHead head, List<Choice> choices, Map<String, Usage> usage) {
        return new CompletionResponse(
                head.id(), "text_completion", head.createdSeconds(), head.model(), choices, usage);
    }
}
