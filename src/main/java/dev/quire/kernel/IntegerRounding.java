package dev.quire.kernel;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/// A row's few largest elements stay as they are, the others become multiples q · scale, |q| ≤ `steps`, scale = largest
/// magnitude / `steps` of each run of columns.
///
/// @param steps 127 for 8 bits
/// @param block columns of a run, which divide the row
/// @param columnsPerOutlier columns for which a row has one outlier more, at least one a row; 0 = no outliers
public record IntegerRounding(int steps, int block, int columnsPerOutlier) implements ActivationRounding {
    /// Runs that are all smaller than this become 0, as steps / magnitude would overflow.
    private static final float LEAST_MAGNITUDE = 1e-30f;

    @Override
    public float[] round(float[] in, int tokens, int columns) {
        float[] out = Arrays.copyOf(in, tokens * columns);
        for (int t = 0; t < tokens; t++) {
            roundRow(out, t * columns, columns);
        }
        return out;
    }

    private void roundRow(float[] data, int from, int columns) {
        boolean[] stays = outliers(data, from, columns);
        for (int first = 0; first < columns; first += block) {
            float largest = 0;
            for (int i = first; i < first + block; i++) {
                largest = stays[i] ? largest : Math.max(largest, Math.abs(data[from + i])); // NaN if one is NaN
            }
            for (int i = first; i < first + block; i++) {
                data[from + i] = stays[i] ? data[from + i] : rounded(data[from + i], largest);
            }
        }
    }

    /// Which columns of a row stay: the largest magnitudes, of equal ones the first; none of a row with an infinity or
    /// a NaN.
    private boolean[] outliers(float[] data, int from, int columns) {
        boolean[] stays = new boolean[columns];
        if (columnsPerOutlier > 0 && IntStream.range(from, from + columns).allMatch(i -> Float.isFinite(data[i]))) {
            IntStream.range(0, columns)
                    .boxed()
                    .sorted(Comparator.comparing(i -> -Math.abs(data[from + i]))) // stable
                    .limit(Math.max(1, columns / columnsPerOutlier))
                    .forEach(i -> stays[i] = true);
        }
        return stays;
    }

    private float rounded(float element, float largest) {
        if (!Float.isFinite(largest)) {
            return Float.NaN;
        }
        if (largest < LEAST_MAGNITUDE) {
            return 0;
        }
        return (float) Math.rint(element * (steps / largest)) * (largest / steps);
    }
}
