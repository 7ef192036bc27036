package dev.quire.sampling;

import java.util.Arrays;
import java.util.Comparator;
import java.util.Map;
import java.util.stream.IntStream;

/// The definition of sampling, written for reading. Native samplers agree with it token for token, up to rounding of
/// the exponential.
///
/// 1. logits + bias; 2. repetition penalty on every token seen (positive logits divided, others multiplied), then
/// frequency · count and presence on generated ones; 3. temperature 0: the largest logit, ties to the lowest id;
/// 4. else logits / temperature; keep what min-p, then top-k, then top-p leave (top-p over what the others left,
/// renormalised; ordered by logit, ties to the lowest id; the token that crosses the bound stays); 5. draw
/// u = Philox(seed, counter) and take the first kept token, in id order, whose cumulative weight is above u · total.
///
/// A logit that is not a number is never chosen.
public final class ReferenceSampler {
    /// No token could be chosen: no logit is a number.
    public static final int NO_TOKEN = -1;

    private ReferenceSampler() {}

    /// Chooses a token from `logits` `[vocabulary]`, which is not changed. `history` is the sequence so far, of which
    /// the first `promptLength` tokens are prompt; `counter` is the position of the token to draw.
    public static int sample(
            float[] logits, SamplingParameters parameters, int[] history, int promptLength, long counter) {
        float[] adjusted = adjust(logits, parameters, history, promptLength);
        Integer[] order = IntStream.range(0, adjusted.length)
                .filter(token -> !Float.isNaN(adjusted[token]) && adjusted[token] > Float.NEGATIVE_INFINITY)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer token) -> 0 - adjusted[token]) // not -x: -0 and 0 are equal
                        .thenComparingInt(token -> token))
                .toArray(Integer[]::new);
        if (order.length == 0) {
            return NO_TOKEN;
        }
        if (parameters.temperature() == 0) {
            return order[0];
        }
        double largest = adjusted[order[0]];
        double[] weight = new double[order.length]; // in `order`
        for (int i = 0; i < order.length; i++) {
            weight[i] = Math.exp((adjusted[order[i]] - largest) / parameters.temperature());
        }
        int kept = kept(weight, parameters);
        double[] keptWeight = new double[adjusted.length]; // by token id
        double total = 0;
        for (int i = 0; i < kept; i++) {
            keptWeight[order[i]] = weight[i];
            total += weight[i];
        }
        return draw(keptWeight, Philox.uniform(parameters.seed(), counter) * total);
    }

    /// Bias and penalties.
    private static float[] adjust(float[] logits, SamplingParameters parameters, int[] history, int promptLength) {
        float[] adjusted = logits.clone();
        for (Map.Entry<Integer, Float> bias : parameters.logitBias().entrySet()) {
            adjusted[bias.getKey()] += bias.getValue();
        }
        boolean[] seen = new boolean[logits.length];
        int[] generated = new int[logits.length];
        for (int i = 0; i < history.length; i++) {
            seen[history[i]] = true;
            if (i >= promptLength) {
                generated[history[i]]++;
            }
        }
        for (int token = 0; token < adjusted.length; token++) {
            if (seen[token] && parameters.repetitionPenalty() != 1) {
                adjusted[token] = adjusted[token] > 0
                        ? adjusted[token] / parameters.repetitionPenalty()
                        : adjusted[token] * parameters.repetitionPenalty();
            }
            if (generated[token] > 0) {
                adjusted[token] -= parameters.frequencyPenalty() * generated[token] + parameters.presencePenalty();
            }
        }
        return adjusted;
    }

    /// How many of the weights, largest first, remain.
    private static int kept(double[] weight, SamplingParameters parameters) {
        int kept = weight.length;
        while (kept > 1 && weight[kept - 1] < parameters.minP() * weight[0]) {
            kept--;
        }
        if (parameters.topK() > 0) {
            kept = Math.min(kept, parameters.topK());
        }
        if (parameters.topP() < 1) {
            double bound = parameters.topP() * Arrays.stream(weight, 0, kept).sum();
            double cumulative = 0;
            for (int i = 0; i < kept; i++) {
                cumulative += weight[i];
                if (cumulative >= bound) {
                    return i + 1;
                }
            }
        }
        return kept;
    }

    private static int draw(double[] weight, double threshold) {
        double cumulative = 0;
        int last = NO_TOKEN;
        for (int token = 0; token < weight.length; token++) {
            if (weight[token] > 0) {
                cumulative += weight[token];
                last = token;
                if (cumulative > threshold) {
                    return token;
                }
            }
        }
        return last;
    }
}
