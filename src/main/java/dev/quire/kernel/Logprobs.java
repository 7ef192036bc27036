package dev.quire.kernel;

/// Log-softmax of a logit row and its most likely tokens: what `logprobs` in a request asks for. Always of the model's
/// own distribution, before bias, penalties and temperature.
final class Logprobs {
    private Logprobs() {}

    /// Writes the log-probability of `token` and the row's best alternatives into `batch`. A logit that is not a
    /// number counts as minus infinity.
    static void write(Batch batch, int row, float[] logits, int token) {
        double normaliser = normaliser(logits);
        batch.outLogprob.put(row, (float) (number(logits[token]) - normaliser));
        int wanted = Math.min(batch.logprobs.get(row), logits.length);
        boolean[] taken = new boolean[logits.length];
        for (int i = 0; i < wanted; i++) {
            int best = -1;
            for (int id = 0; id < logits.length; id++) {
                if (!taken[id] && (best < 0 || number(logits[id]) > number(logits[best]))) {
                    best = id;
                }
            }
            taken[best] = true;
            batch.topToken.put(row * Batch.TOP_LOGPROBS + i, best);
            batch.topLogprob.put(row * Batch.TOP_LOGPROBS + i, (float) (number(logits[best]) - normaliser));
        }
    }

    /// log Σ exp(logit).
    private static double normaliser(float[] logits) {
        double largest = Double.NEGATIVE_INFINITY;
        for (float logit : logits) {
            largest = Math.max(largest, number(logit));
        }
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(number(logit) - largest);
        }
        return largest + Math.log(sum);
    }

    private static float number(float logit) {
        return Float.isNaN(logit) ? Float.NEGATIVE_INFINITY : logit;
    }
}
