package dev.quire.kernel;

import java.util.Arrays;

/// A rotary position embedding (Su et al., 2021, section 3.4.2): at position p, pair i of a head's leading `dim`
/// elements turns by the angle p · `inverseFrequencies[i]` and is multiplied by `magnitude`. Whatever stretches the
/// context (linear, Llama 3, YaRN, LongRoPE) is already in these numbers.
public record Rope(Pairs pairs, float[] inverseFrequencies, float magnitude) {
    /// Which elements turn together.
    public enum Pairs {
        /// Elements 2i and 2i + 1: the order in which GGUF stores Llama's query and key weights.
        ADJACENT,
        /// Elements i and i + dim / 2: the order of the original checkpoints and of GGUF's other architectures.
        HALVES
    }

    public Rope {
        inverseFrequencies = inverseFrequencies.clone();
        for (float frequency : inverseFrequencies) {
            if (!(frequency >= 0) || Float.isInfinite(frequency)) {
                throw new IllegalArgumentException("rope frequencies must be finite and not negative: frequencies="
                        + Arrays.toString(inverseFrequencies));
            }
        }
        if (inverseFrequencies.length == 0 || !(magnitude > 0) || Float.isInfinite(magnitude)) {
            throw new IllegalArgumentException("a rope must have frequencies and a positive magnitude: frequencies="
                    + inverseFrequencies.length + ", magnitude=" + magnitude);
        }
    }

    /// Frequencies `base^(-2i / dim)`, nothing scaled.
    public static Rope of(Pairs pairs, int dim, double base) {
        float[] frequencies = new float[dim / 2];
        for (int i = 0; i < frequencies.length; i++) {
            frequencies[i] = (float) Math.pow(base, -2.0 * i / dim);
        }
        return new Rope(pairs, frequencies, 1);
    }

    /// Elements of a head that are rotated.
    public int dim() {
        return 2 * inverseFrequencies.length;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Rope that
                && pairs == that.pairs
                && magnitude == that.magnitude
                && Arrays.equals(inverseFrequencies, that.inverseFrequencies);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(inverseFrequencies);
    }
}
