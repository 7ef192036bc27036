package dev.quire.engine;

/// One sequence, in numbers: never what it says.
///
/// - `id`: in the order of arrival, unique since the start
/// - `request`: the id of the answer that it is a choice of, as the client knows it
/// - `computedTokens`: tokens whose keys and values are kept; `cachedTokens`: prompt tokens that were found
/// - `blocks`: entries of its block table, those in the swap space too
public record CacheSequence(
        long id,
        String request,
        State state,
        int priority,
        int promptTokens,
        int generatedTokens,
        int computedTokens,
        int cachedTokens,
        int blocks) {
    /// What it is doing.
    public enum State {
        /// Waits to be admitted: new, or it gave up its blocks.
        WAITING,
        RUNNING,
        /// Its blocks are on their way back from the swap space.
        LOADING,
        /// Waits with blocks in the swap space.
        SWAPPED,
        /// Another choice of the request computes the prompt for it.
        FOLLOWING
    }
}
