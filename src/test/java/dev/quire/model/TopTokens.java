package dev.quire.model;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/// What a model says at every greedy position of one golden prompt, teacher-forced: its ten best tokens and their
/// log-probabilities.
///
/// @param tokens `[positions][TOP]`
/// @param logprobs `[positions][TOP]`
record TopTokens(Golden golden, int[][] tokens, double[][] logprobs) {
    private static final int TOP = 10;

    /// Of the 240 positions of the default model's golden prompts.
    static List<TopTokens> of(LoadedTransformer model) {
        List<TopTokens> out = new ArrayList<>();
        for (Golden golden : Golden.read("/goldens/smollm2.json")) {
            double[][] all = logprobs(model, golden);
            int[][] tokens = new int[all.length][];
            double[][] logprobs = new double[all.length][];
            for (int position = 0; position < all.length; position++) {
                double[] row = all[position];
                tokens[position] = IntStream.range(0, row.length)
                        .boxed()
                        .sorted((a, b) -> Double.compare(row[b], row[a]))
                        .limit(TOP)
                        .mapToInt(Integer::intValue)
                        .toArray();
                logprobs[position] = IntStream.of(tokens[position])
                        .mapToDouble(token -> row[token])
                        .toArray();
            }
            out.add(new TopTokens(golden, tokens, logprobs));
        }
        return out;
    }

    /// How far another model is off.
    ///
    /// @param mean absolute difference of a log-probability, in nats
    record Differences(int compared, double mean, double worst) {}

    static Differences differences(List<TopTokens> expected, LoadedTransformer model) {
        double sum = 0;
        double worst = 0;
        int compared = 0;
        for (TopTokens each : expected) {
            double[][] actual = logprobs(model, each.golden);
            for (int position = 0; position < actual.length; position++) {
                for (int i = 0; i < TOP; i++) {
                    double difference =
                            Math.abs(actual[position][each.tokens[position][i]] - each.logprobs[position][i]);
                    sum += difference;
                    worst = Math.max(worst, difference);
                    compared++;
                }
            }
        }
        return new Differences(compared, sum / compared, worst);
    }

    /// `[positions][vocabulary]`
    private static double[][] logprobs(LoadedTransformer model, Golden golden) {
        float[][] logits = model.logits(golden.teacherForced(), golden.promptIds().length - 1);
        double[][] out = new double[logits.length][];
        for (int position = 0; position < logits.length; position++) {
            out[position] = logprobs(logits[position]);
        }
        return out;
    }

    private static double[] logprobs(float[] logits) {
        double largest = logits[Golden.argmax(logits)];
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - largest);
        }
        double total = largest + Math.log(sum);
        return IntStream.range(0, logits.length)
                .mapToDouble(token -> logits[token] - total)
                .toArray();
    }
}
