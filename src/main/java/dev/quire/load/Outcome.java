package dev.quire.load;

import java.util.OptionalInt;

/// How a request ended.
sealed interface Outcome {
    /// The whole answer came.
    record Completed(Answer answer) implements Outcome {}

    /// Status 429: the server has no room, and may say when to come again.
    record Refused(String message, OptionalInt retryAfterSeconds) implements Outcome {}

    /// No answer, or a part of one.
    record Failed(String message) implements Outcome {}
}
