package dev.quire.engine;

import io.smallrye.mutiny.Multi;

/// What the engine answers to a request at the door.
public sealed interface Submission {
    /// Accepted: it will be answered. Subscribe once; cancelling the subscription cancels the request, and its blocks
    /// are back within one step.
    record Accepted(Multi<GenerationEvent> events) implements Submission {}

    /// The waiting bound is reached: try again after `retryAfterSeconds`.
    record QueueFull(int capacity, int retryAfterSeconds) implements Submission {}

    /// The answers that are under way leave too little of the heap's share for such ones: try again after
    /// `retryAfterSeconds`, if `neededBytes` are not more than all `bytes` of it.
    record AnswersTooLarge(long neededBytes, long bytes, int retryAfterSeconds) implements Submission {}

    /// Prompt and answer do not fit the context.
    record TooLong(int promptTokens, int maxTokens, int contextLength) implements Submission {}

    /// Prompt and answer can never fit the pool.
    record TooLarge(int neededBlocks, int blocks, int blockSize) implements Submission {}

    /// More choices, or beams, than sequences that run at once.
    record TooManyChoices(int choices, int sequences) implements Submission {}

    /// A beam search would look at more tokens of each beam than kernels give: one for each beam and each end token.
    record TooManyCandidates(int beamWidth, int endTokens, int candidates) implements Submission {}

    /// The prompt or a logit bias names a token that the model does not have.
    record UnknownToken(String parameter, int token, int vocabulary) implements Submission {}

    /// The engine does not take requests: starting, draining or failed.
    record Unavailable(String reason, int retryAfterSeconds) implements Submission {}
}
