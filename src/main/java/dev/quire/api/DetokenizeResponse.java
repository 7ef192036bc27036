package dev.quire.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/// The answer of `POST /detokenize`.
public record DetokenizeResponse(@JsonProperty("prompt") String prompt) {}
