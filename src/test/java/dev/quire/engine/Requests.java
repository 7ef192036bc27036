package dev.quire.engine;

import dev.quire.sampling.SamplingParameters;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;

/// Requests for tests.
public final class Requests {
    private Requests() {}

    public static int[] prompt(long seed, int length, int vocabulary) {
        return new Random(seed).ints(length, 3, vocabulary).toArray();
    }

    /// Greedy, to its full length.
    public static GenerationRequest greedy(int[] prompt, int maxTokens) {
        return of(prompt, maxTokens, SamplingParameters.greedy());
    }

    public static GenerationRequest of(int[] prompt, int maxTokens, SamplingParameters sampling) {
        return new GenerationRequest(
                prompt, OptionalInt.of(maxTokens), sampling, List.of(), true, 0, GenerationRequest.NO_LOGPROBS, false);
    }

    /// The same with `choices` answers.
    public static GenerationRequest choices(GenerationRequest request, int choices) {
        return new GenerationRequest(
                request.prompt(),
                choices,
                request.maxTokens(),
                request.sampling(),
                request.stop(),
                request.ignoreEos(),
                request.priority(),
                request.logprobs(),
                request.scorePrompt(),
                request.cacheSalt());
    }

    /// What choice `index` of `request` is alone.
    public static GenerationRequest alone(GenerationRequest request, int index) {
        return new GenerationRequest(
                request.prompt(),
                1,
                request.maxTokens(),
                request.sampling().withSeed(request.sampling().seed() + index),
                request.stop(),
                request.ignoreEos(),
                request.priority(),
                request.logprobs(),
                request.scorePrompt(),
                request.cacheSalt());
    }

    /// Number `index` of a mix: prompts of 1 … 120 tokens, answers of 1 … 60, greedy and seeded in turn, some with
    /// penalties, bias, top-k, top-p and min-p.
    public static GenerationRequest mixed(int index, int vocabulary) {
        var random = new Random(1000 + index);
        int[] prompt = prompt(index, 1 + random.nextInt(120), vocabulary);
        int maxTokens = 1 + random.nextInt(60);
        SamplingParameters sampling =
                switch (index % 4) {
                    case 0 -> SamplingParameters.greedy();
                    case 1 -> new SamplingParameters(0.8f, 0.95f, 0, 0, 0, 0, 1, Map.of(), index);
                    case 2 -> new SamplingParameters(1.2f, 1, 40, 0.02f, 0.5f, 0.2f, 1.1f, Map.of(7, 3f), index);
                    default -> new SamplingParameters(1, 1, 0, 0, 0, 0, 1, Map.of(), index);
                };
        return of(prompt, maxTokens, sampling);
    }
}
