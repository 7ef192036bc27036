package dev.quire.engine;

/// Natural log-probability of a token under the model, before temperature and penalties, with the most likely
/// alternatives (most likely first) where they were asked for.
public record TokenLogprob(int token, float logprob, int[] topTokens, float[] topLogprobs) {}
