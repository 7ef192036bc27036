package dev.quire.api;

import dev.quire.engine.GenerationEvent;

/// What the choices of an answer have cost so far: the prompt once, and the tokens of each choice, shown or not. Not
/// thread-safe: one request owns it.
final class AnswerCost {
    private final int promptTokens;
    private int open; // choices that have not ended
    private int completionTokens;
    private int cachedTokens;

    AnswerCost(int promptTokens, int choices) {
        this.promptTokens = promptTokens;
        open = choices;
    }

    /// A choice has ended.
    void add(GenerationEvent.Finished end) {
        open--;
        completionTokens += end.completionTokens();
        // The same for all, but 0 for those that ended before they had blocks of their own.
        cachedTokens = Math.max(cachedTokens, end.cachedTokens());
    }

    /// Whether every choice has ended.
    boolean complete() {
        return open == 0;
    }

    Usage usage() {
        return Usage.of(promptTokens, completionTokens, cachedTokens);
    }
}
