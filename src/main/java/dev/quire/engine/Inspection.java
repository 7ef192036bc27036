package dev.quire.engine;

/// What the engine answers to a question, or to a small job, that it does between two steps.
public sealed interface Inspection<T> {
    /// Done; all of it is of one moment.
    record Answered<T>(T value) implements Inspection<T> {}

    /// There are as many `what` (questions, listeners) already as may be: try again after `retryAfterSeconds`.
    record Busy<T>(String what, int capacity, int retryAfterSeconds) implements Inspection<T> {}

    /// The engine does not run: starting, stopped or failed.
    record Unavailable<T>(String reason, int retryAfterSeconds) implements Inspection<T> {}
}
