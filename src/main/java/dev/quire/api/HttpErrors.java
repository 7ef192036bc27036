package dev.quire.api;

/// What HTTP itself refuses, in our words.
final class HttpErrors {
    private HttpErrors() {}

    static ApiException of(int status) {
        return switch (status) {
            case 404 -> ApiException.http(404, "not_found", "path must be one that GET /q/openapi lists");
            case 405 -> ApiException.http(405, "method_not_allowed", "method must be one that the path allows");
            case 406 ->
                ApiException.http(
                        406, "not_acceptable", "accept must include a type that the path gives: type=application/json");
            case 413 ->
                ApiException.http(413, "body_too_large", "body must be at most quarkus.http.limits.max-body-size");
            case 414 -> ApiException.http(414, "uri_too_long", "request line must be at most 4096 bytes");
            case 415 -> ApiException.http(415, "unsupported_media_type", "content-type must be application/json");
            default -> {
                String code = status < 500 ? "bad_request" : "internal_error";
                String message = status < 500 ? "request must be valid HTTP" : "request could not be answered";
                yield ApiException.http(status, code, message + ": status=" + status);
            }
        };
    }
}
