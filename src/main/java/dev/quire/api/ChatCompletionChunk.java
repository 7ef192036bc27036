package dev.quire.api;

import com.fasterxml.jackson.annotation.JsonAnyGetter;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyOrder;
import java.util.List;
import java.util.Map;

/// One chunk of a chat's answer. `usage` is a map of at most one field: a chunk may leave it out or say null.
@JsonPropertyOrder({"id", "object", "created", "model", "choices"})
public record ChatCompletionChunk(
        @JsonProperty("id") String id,
        @JsonProperty("object") String object,
        @JsonProperty("created") long createdSeconds,
        @JsonProperty("model") String model,
        @JsonProperty("choices") List<Choice> choices,
        @JsonAnyGetter Map<String, Usage> usage) {
    /// What is new: `delta` has `role`, `content`, both or neither; `logprobs` and `finishReason` may be null. `score`
    /// comes with the end of an answer that a beam search found, and is left out otherwise.
    public record Choice(
            @JsonProperty("index") int index,
            @JsonProperty("delta") Map<String, String> delta,
            @JsonProperty("logprobs") ChatLogprobs logprobs,
            @JsonProperty("finish_reason") String finishReason,

            @JsonProperty("score") @JsonInclude(JsonInclude.Include.NON_NULL)
            Double score) {
        /// One that has not ended.
        Choice(int index, Map<String, String> delta, ChatLogprobs logprobs) {
            this(index, delta, logprobs, null, null);
        }
    }

    static ChatCompletionChunk of(AnswerHead head, List<Choice> choices, Map<String, Usage> usage) {
        return new ChatCompletionChunk(
                head.id(), "chat.completion.chunk", head.createdSeconds(), head.model(), choices, usage);
    }
}
