package dev.quire.engine;

import java.util.List;

/// What a request's stream says, in this order: at most one `PromptScored`, any number of `Delta`, then exactly one of
/// `Finished` and `Failed`, then the stream completes.
public sealed interface GenerationEvent {
    /// Log-probabilities of the prompt's tokens from the second on (the first has none).
    record PromptScored(List<TokenLogprob> tokens) implements GenerationEvent {}

    /// New text, whole characters only, and the tokens that made it; `logprobs` has one entry a token where they were
    /// asked for, else none.
    record Delta(String text, int[] tokens, List<TokenLogprob> logprobs) implements GenerationEvent {}

    /// The end: `completionTokens` counts every token up to the end-of-text token or the one that completed a stop
    /// text.
    record Finished(Reason reason, int completionTokens) implements GenerationEvent {}

    /// The request cannot be completed; `message` is for the user.
    record Failed(String message) implements GenerationEvent {}

    /// Why an answer ended, in OpenAI's words (lower case on the wire).
    enum Reason {
        STOP,
        LENGTH
    }
}
