package dev.quire.kernel;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/// What becomes of the input of a product with a quantised weight before it is multiplied.
public enum ActivationRounding {
    /// Nothing: the definition.
    NONE,
    /// What the native CPU kernels do (`quantise.cpp`): a row's few largest elements stay as they are, the others
    /// become multiples q · scale, |q| ≤ 127, scale = largest magnitude / 127 of each run of 32 columns.
    INT8_WITH_OUTLIERS;

    private static final int BLOCK = 32;

    /// Columns for which a row has one outlier more.
    private static final int COLUMNS_PER_OUTLIER = 128;

    /// Runs that are all smaller than this become 0, as 127 / magnitude would overflow.
    private static final float LEAST_MAGNITUDE = 1e-30f;

    /// The rounded rows of `in` `[tokens, columns]`: another array, or `in` where nothing is rounded.
    float[] round(float[] in, int tokens, int columns) {
        return switch (this) {
            case NONE -> in;
            case INT8_WITH_OUTLIERS -> {
                float[] out = Arrays.copyOf(in, tokens * columns);
                for (int t = 0; t < tokens; t++) {
                    roundRow(out, t * columns, columns);
                }
                yield out;
            }
        };
    }

    private static void roundRow(float[] data, int from, int columns) {
        boolean[] stays = outliers(data, from, columns);
        for (int first = 0; first < columns; first += BLOCK) {
            float largest = 0;
            for (int i = first; i < first + BLOCK; i++) {
                largest = stays[i] ? largest : Math.max(largest, Math.abs(data[from + i])); // NaN if one is NaN
            }
            for (int i = first; i < first + BLOCK; i++) {
                data[from + i] = stays[i] ? data[from + i] : rounded(data[from + i], largest);
            }
        }
    }

    /// Which columns of a row stay: the largest magnitudes, of equal ones the first; none of a row with an infinity or
    /// a NaN.
    private static boolean[] outliers(float[] data, int from, int columns) {
        boolean[] stays = new boolean[columns];
        if (IntStream.range(from, from + columns).allMatch(i -> Float.isFinite(data[i]))) {
            IntStream.range(0, columns)
                    .boxed()
                    .sorted(Comparator.comparing(i -> -Math.abs(data[from + i]))) // stable
                    .limit(Math.max(1, columns / COLUMNS_PER_OUTLIER))
                    .forEach(i -> stays[i] = true);
        }
        return stays;
    }

    private static float rounded(float element, float largest) {
        if (!Float.isFinite(largest)) {
            return Float.NaN;
        }
        if (largest < LEAST_MAGNITUDE) {
            return 0;
        }
        return (float) Math.rint(element * (127 / largest)) * (largest / 127);
    }
}
