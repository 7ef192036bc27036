package dev.quire.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;

/// A chat's answer, whole.
public record ChatCompletionResponse(
        @JsonProperty("id") String id,
        @JsonProperty("object") String object,
        @JsonProperty("created") long createdSeconds,
        @JsonProperty("model") String model,
        @JsonProperty("choices") List<Choice> choices,
        @JsonProperty("usage") Usage usage) {
    /// One answer; `logprobs` is null where they were not asked for, `score` left out where no beam search found it.
    public record Choice(
            @JsonProperty("index") int index,
            @JsonProperty("message") Message message,
            @JsonProperty("logprobs") ChatLogprobs logprobs,
            @JsonProperty("finish_reason") String finishReason,

            @JsonProperty("score") @JsonInclude(JsonInclude.Include.NON_NULL)
            Double score) {}

    /// What the assistant says.
    public record Message(
            @JsonProperty("role") String role,
            @JsonProperty("content") String content) {}

    static ChatCompletionResponse of(AnswerHead head, List<Choice> choices, Usage usage) {
        return new ChatCompletionResponse(
                head.id(), "chat.completion", head.createdSeconds(), head.model(), choices, usage);
    }
}
