package dev.quire.load;

/// The times of one answer, and what it cost. Times are in nanoseconds, of one clock.
///
/// - `startNanos`: just before the request was sent, over a connection that was yet to be opened
/// - `firstNanos`, `lastNanos`: when the first and the last event with tokens came. The event that ends a
///   choice is one, though it has no text: behind the last text there may be tokens that are invisible
/// - `endNanos`: when the stream had ended
/// - `events`: events with text, of all choices
/// - `gaps`: milliseconds from one event with text to the next of the same choice
/// - `counted`: whether the server said how many tokens there were; else `outputTokens` are events
/// - `promptTokens`, `outputTokens`: of all choices; `cachedTokens` of the prompt came from the server's cache
/// - `early`: whether fewer tokens came than were asked for
record Answer(
        long startNanos,
        long firstNanos,
        long lastNanos,
        long endNanos,
        int events,
        Samples gaps,
        boolean counted,
        int promptTokens,
        int outputTokens,
        int cachedTokens,
        int choices,
        boolean early) {
    double firstMillis() {
        return (firstNanos - startNanos) / 1e6;
    }

    double endMillis() {
        return (endNanos - startNanos) / 1e6;
    }

    /// Milliseconds of each token of a choice after its first; NaN for an answer that has only one or came at
    /// once.
    double millisPerToken() {
        double more = (double) outputTokens / choices - 1;
        return more > 0 && lastNanos > firstNanos ? (lastNanos - firstNanos) / 1e6 / more : Double.NaN;
    }
}
