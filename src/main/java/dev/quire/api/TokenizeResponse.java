package dev.quire.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/// The answer of `POST /tokenize`.
public record TokenizeResponse(
        @JsonProperty("count") int count,
        @JsonProperty("max_model_len") int maxModelLength,
        @JsonProperty("tokens") int[] tokens) {}
