package dev.quire.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import java.util.Map;

/// Log-probabilities of a completion: four lists with one entry a token. The first token of an echoed prompt has none,
/// which is null. `textOffsets`: where the token's text begins in the choice's text, in characters.
public record CompletionLogprobs(
        @JsonProperty("tokens") List<String> tokens,
        @JsonProperty("token_logprobs") List<Float> tokenLogprobs,
        @JsonProperty("top_logprobs") List<Map<String, Float>> topLogprobs,
        @JsonProperty("text_offset") List<Integer> textOffsets) {}
