package dev.quire.api;

import java.util.OptionalInt;

/// A request that cannot be answered as asked: everything that its error response says. Thrown by the parsers and the
/// resources, mapped in {@link ErrorMapper} only. Without a stack trace: it tells the client something, not us.
///
/// - `param`: the parameter at fault, or null, as OpenAI's clients expect
/// - `code`: a stable word for programs
final class ApiException extends RuntimeException {
    /// Longest excerpt of what the client sent that an answer repeats.
    static final int MAX_EXCERPT = 100;

    static final String INVALID_REQUEST = "invalid_request_error";

    private static final long serialVersionUID = 1;

    private final int status;
    private final String type;
    private final String param;
    private final String code;
    private final int retryAfterSeconds;

    private ApiException(int status, String type, String param, String code, String message, int retryAfterSeconds) {
        super(message, null, false, false);
        this.status = status;
        this.type = type;
        this.param = param;
        this.code = code;
        this.retryAfterSeconds = retryAfterSeconds;
    }

    /// A parameter's value is not allowed.
    static ApiException invalid(String param, String message) {
        return new ApiException(400, INVALID_REQUEST, param, "invalid_value", message, 0);
    }

    /// A record below refused its values. Its message begins with the parameter's name, as all our messages do.
    static ApiException refused(IllegalArgumentException refusal) {
        String message = refusal.getMessage();
        int end = 0;
        while (end < message.length() && (Character.isLetter(message.charAt(end)) || message.charAt(end) == '_')) {
            end++;
        }
        return invalid(message.substring(0, end), excerpt(message, 3 * MAX_EXCERPT));
    }

    /// The body as a whole is at fault.
    static ApiException badBody(String code, String message) {
        return new ApiException(400, INVALID_REQUEST, null, code, message, 0);
    }

    /// A request that is well-formed but cannot be met, with the code that says why.
    static ApiException impossible(String param, String code, String message) {
        return new ApiException(400, INVALID_REQUEST, param, code, message, 0);
    }

    static ApiException modelNotFound(String model) {
        return new ApiException(
                404,
                INVALID_REQUEST,
                "model",
                "model_not_found",
                "model must be one that GET /v1/models lists: model=" + excerpt(model, MAX_EXCERPT),
                0);
    }

    static ApiException tooManyRequests(String message, int retryAfterSeconds) {
        return new ApiException(429, "rate_limit_error", null, "queue_full", message, retryAfterSeconds);
    }

    static ApiException unavailable(String message, int retryAfterSeconds) {
        return new ApiException(503, "service_unavailable_error", null, "unavailable", message, retryAfterSeconds);
    }

    /// Our fault: the message says no more than the engine wrote for the user.
    static ApiException failed(String message) {
        return new ApiException(500, "server_error", null, "generation_failed", message, 0);
    }

    /// What HTTP itself refuses: path, method, media type, size.
    static ApiException http(int status, String code, String message) {
        return new ApiException(status, status < 500 ? INVALID_REQUEST : "server_error", null, code, message, 0);
    }

    int status() {
        return status;
    }

    OptionalInt retryAfterSeconds() {
        return retryAfterSeconds > 0 ? OptionalInt.of(retryAfterSeconds) : OptionalInt.empty();
    }

    ErrorResponse response() {
        return new ErrorResponse(new ErrorResponse.Detail(getMessage(), type, param, code));
    }

    /// At most `length` characters of `text`, and never half a surrogate pair.
    static String excerpt(String text, int length) {
        if (text.length() <= length) {
            return text;
        }
        int end = Character.isHighSurrogate(text.charAt(length - 1)) ? length - 1 : length;
        return text.substring(0, end) + "…";
    }
}
