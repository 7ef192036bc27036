package dev.quire.kernel;

import dev.quire.tensor.Dequantizer;
import dev.quire.tensor.Tensor;
import java.util.Arrays;
import java.util.function.UnaryOperator;

/// A dequantised weight `[rows, columns]`, kept transposed: element (r, c) is `data[c * rows + r]`. The input of its
/// products is rounded by `rounding`.
record FloatMatrix(int rows, int columns, ActivationRounding rounding, float[] data) {
    /// Output columns of a product that are worked on together, so that they stay in the cache: the order of each sum
    /// is not changed by it.
    private static final int ROW_TILE = 512;

    /// Bytes of a stored weight that are read at a time.
    private static final long READ_BYTES = 1 << 20;

    /// `ofQuantised` is the rounding that holds if the tensor is quantised; others round nothing. `reader` gives rows
    /// whose bytes Java may look at.
    static FloatMatrix of(Tensor tensor, ActivationRounding ofQuantised, UnaryOperator<Tensor> reader) {
        int rows = Math.toIntExact(tensor.rows());
        int columns = Math.toIntExact(tensor.columns());
        float[] row = new float[columns];
        float[] data = new float[Math.multiplyExact(rows, columns)];
        int step = Math.clamp(READ_BYTES / tensor.type().rowBytes(columns), 1, rows);
        for (int first = 0; first < rows; first += step) {
            int count = Math.min(step, rows - first);
            Tensor some = reader.apply(tensor.rows(first, count));
            for (int r = 0; r < count; r++) {
                Dequantizer.readRow(some, r, row);
                for (int c = 0; c < columns; c++) {
                    data[c * rows + first + r] = row[c];
                }
            }
        }
        boolean quantised = tensor.type().blockElements() > 1;
        return new FloatMatrix(rows, columns, quantised ? ofQuantised : ActivationRounding.NONE, data);
    }

    float at(int row, int column) {
        return data[column * rows + row];
    }

    /// out `[tokens, rows]` = exact `[tokens, columns]`, rounded, · matrixᵀ. Each sum runs over the columns in
    /// order; four columns are taken at a time, so that a partial sum stays in a register for four additions.
    void multiply(float[] exact, int tokens, float[] out) {
        float[] in = rounding.round(exact, tokens, columns);
        Arrays.fill(out, 0, tokens * rows, 0);
        for (int first = 0; first < rows; first += ROW_TILE) {
            int count = Math.min(ROW_TILE, rows - first);
            int column = 0;
            for (; column + 4 <= columns; column += 4) {
                for (int t = 0; t < tokens; t++) {
                    addFour(out, t * rows + first, column, first, in, t * columns + column, count);
                }
            }
            for (; column < columns; column++) {
                for (int t = 0; t < tokens; t++) {
                    float factor = in[t * columns + column];
                    addScaled(out, t * rows + first, data, column * rows + first, factor, count);
                }
            }
        }
    }

    private void addFour(float[] out, int to, int column, int row, float[] in, int from, int count) {
        int at0 = column * rows + row;
        int at1 = at0 + rows;
        int at2 = at1 + rows;
        int at3 = at2 + rows;
        float factor0 = in[from];
        float factor1 = in[from + 1];
        float factor2 = in[from + 2];
        float factor3 = in[from + 3];
        for (int i = 0; i < count; i++) {
            float sum = out[to + i] + factor0 * data[at0 + i];
            sum += factor1 * data[at1 + i];
            sum += factor2 * data[at2 + i];
            out[to + i] = sum + factor3 * data[at3 + i];
        }
    }

    private static void addScaled(float[] out, int to, float[] in, int from, float factor, int count) {
        for (int i = 0; i < count; i++) {
            out[to + i] += factor * in[from + i];
        }
    }
}
