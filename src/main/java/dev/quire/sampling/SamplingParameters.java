package dev.quire.sampling;

import java.util.Map;

/// How one sequence's tokens are drawn. Names and meanings follow OpenAI and vLLM.
///
/// - `temperature` 0 … 2: 0 is greedy, and everything below but penalties and bias is then without effect
/// - `topP` in (0, 1], `topK` (0 = all), `minP` in [0, 1]: which tokens remain, applied as min-p, top-k, top-p
/// - `presencePenalty`, `frequencyPenalty` -2 … 2: on generated tokens; `repetitionPenalty` > 0: on prompt and
///   generated
/// - `logitBias`: token id → -100 … 100, added to its logit
/// - `seed`: with the token's position, the whole state of the generator
public record SamplingParameters(
        float temperature,
        float topP,
        int topK,
        float minP,
        float presencePenalty,
        float frequencyPenalty,
        float repetitionPenalty,
        Map<Integer, Float> logitBias,
        long seed) {
    /// Most entries of `logitBias`: OpenAI's bound.
    public static final int MAX_BIASES = 300;

    public SamplingParameters {
        inRange("temperature", temperature, 0, 2);
        inRange("top_p", topP, 0, 1);
        if (topP == 0) {
            throw new IllegalArgumentException("top_p must be above 0 and at most 1: top_p=0.0");
        }
        if (topK < 0) {
            throw new IllegalArgumentException("top_k must not be negative: top_k=" + topK);
        }
        inRange("min_p", minP, 0, 1);
        inRange("presence_penalty", presencePenalty, -2, 2);
        inRange("frequency_penalty", frequencyPenalty, -2, 2);
        if (!(repetitionPenalty > 0) || Float.isInfinite(repetitionPenalty)) {
            throw new IllegalArgumentException(
                    "repetition_penalty must be above 0 and finite: repetition_penalty=" + repetitionPenalty);
        }
        logitBias = Map.copyOf(logitBias);
        if (logitBias.size() > MAX_BIASES) {
            throw new IllegalArgumentException(
                    "logit_bias must have at most " + MAX_BIASES + " entries: logit_bias.size=" + logitBias.size());
        }
        logitBias.forEach((token, bias) -> inRange("logit_bias[" + token + "]", bias, -100, 100));
    }

    /// Greedy, with nothing else on.
    public static SamplingParameters greedy() {
        return new SamplingParameters(0, 1, 0, 0, 0, 0, 1, Map.of(), 0);
    }

    /// The same with another seed.
    public SamplingParameters withSeed(long other) {
        return new SamplingParameters(
                temperature, topP, topK, minP, presencePenalty, frequencyPenalty, repetitionPenalty, logitBias, other);
    }

    /// Whether the sampler needs the sequence's tokens.
    public boolean penalised() {
        return presencePenalty != 0 || frequencyPenalty != 0 || repetitionPenalty != 1;
    }

    private static void inRange(String name, float value, float low, float high) {
        if (!(value >= low && value <= high)) {
            throw new IllegalArgumentException(
                    name + " must be between " + low + " and " + high + ": " + name + "=" + value);
        }
    }
}
