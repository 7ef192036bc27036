package dev.quire.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Collections;
import java.util.Map;

/// What an answer cost, in tokens.
public record Usage(
        @JsonProperty("prompt_tokens") int promptTokens,
        @JsonProperty("completion_tokens") int completionTokens,
        @JsonProperty("total_tokens") int totalTokens,
        @JsonProperty("prompt_tokens_details") PromptDetails promptDetails) {
    /// `cachedTokens`: prompt tokens that the cache already held, and so were not computed.
    public record PromptDetails(
            @JsonProperty("cached_tokens") int cachedTokens) {}

    static Usage of(int promptTokens, int completionTokens, int cachedTokens) {
        return new Usage(
                promptTokens, completionTokens, promptTokens + completionTokens, new PromptDetails(cachedTokens));
    }

    /// The `usage` field of a chunk before the last: null for those who asked for usage, else not there at all.
    static Map<String, Usage> pending(boolean included) {
        return included ? Collections.singletonMap("usage", null) : Map.of();
    }

    /// The `usage` field once it is known.
    Map<String, Usage> known() {
        return Map.of("usage", this);
    }
}
