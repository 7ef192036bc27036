package dev.quire.api;

import com.fasterxml.jackson.annotation.JsonProperty;

/// The body of every response that is an error, and of the chunk that ends a stream early. Nulls are written: clients
/// read `param` and `code` without asking whether they are there.
public record ErrorResponse(@JsonProperty("error") Detail error) {
    /// What went wrong, in OpenAI's four fields.
    public record Detail(
            @JsonProperty("message") String message,
            @JsonProperty("type") String type,
            @JsonProperty("param") String param,
            @JsonProperty("code") String code) {}
}
