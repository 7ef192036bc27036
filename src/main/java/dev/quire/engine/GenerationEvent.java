package dev.quire.engine;

import java.util.List;
import java.util.OptionalDouble;

/// What a request's stream says of each `choice`, counted from 0, in this order: at most one `PromptScored`, any
/// number of `Delta`, then `Finished`. Choices come in turn, as they are drawn; after the last `Finished` the stream
/// completes. A `Failed` ends all of them, and the stream with them.
public sealed interface GenerationEvent {
    /// Log-probabilities of the prompt's tokens from the second on (the first has none).
    record PromptScored(int choice, List<TokenLogprob> tokens) implements GenerationEvent {}

    /// New text, whole characters only, and the tokens that made it; `logprobs` has one entry a token where they were
    /// asked for, else none.
    record Delta(int choice, String text, int[] tokens, List<TokenLogprob> logprobs) implements GenerationEvent {}

    /// The end of a choice.
    ///
    /// - `completionTokens`: every token up to the end-of-text token or the one that completed a stop text
    /// - `cachedTokens`: prompt tokens that were not computed for this request, because the cache had them
    /// - `logprobSum`: of the log-probabilities of those completion tokens; 0 where none were asked for
    /// - `score`: of an answer that a beam search found: log-probability / length^length_penalty
    record Finished(
            int choice, Reason reason, int completionTokens, int cachedTokens, double logprobSum, OptionalDouble score)
            implements GenerationEvent {
        /// The end of a choice that was drawn.
        public Finished(int choice, Reason reason, int completionTokens, int cachedTokens, double logprobSum) {
            this(choice, reason, completionTokens, cachedTokens, logprobSum, OptionalDouble.empty());
        }
    }

    /// The request cannot be completed; `message` is for the user.
    record Failed(String message) implements GenerationEvent {}

    /// Why an answer ended, in OpenAI's words (lower case on the wire).
    enum Reason {
        STOP,
        LENGTH
    }
}
