package dev.quire.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ActivationRoundingTest {
    private static float[] round(float[] row) {
        return ActivationRounding.INT8_WITH_OUTLIERS.round(row, 1, row.length);
    }

    /// A row of `value` but for the elements that `changes` names: column, value, column, value …
    private static float[] row(int columns, float value, float... changes) {
        float[] row = new float[columns];
        Arrays.fill(row, value);
        for (int i = 0; i < changes.length; i += 2) {
            row[(int) changes[i]] = changes[i + 1];
        }
        return row;
    }

    @Test
    void round_none_isTheSameArray() {
        float[] row = row(40, 0.3f);
        assertSame(row, ActivationRounding.NONE.round(row, 1, 40));
    }

    @Test
    void round_elements_goToTheNearestStepTiesToEven() {
        float[] row = row(32, 0, 4, -1000.7f, 7, 127, 8, 0.5f, 9, 1.5f, 10, -2.5f, 11, 3.4f, 12, -126.6f);
        float[] expected = row(32, 0, 4, -1000.7f, 7, 127, 8, 0, 9, 2, 10, -2, 11, 3, 12, -127);
        assertArrayEquals(expected, round(row));
        assertEquals(-2.5f, row[10], "the input stays");
    }

    @Test
    void round_largestOfEachRowAndBlock_setItsStep() {
        float[] two = row(128, 0, 0, 900, 31, 127, 1, 1.2f, 32, -254, 33, 3.1f, 64, 300, 127, 63.5f, 126, 0.3f);
        float[] both = Arrays.copyOf(two, 256);
        both[128 + 5] = 800;
        both[128 + 6] = 127 * 4;
        both[128 + 7] = 6.5f;
        float[] expected = row(128, 0, 0, 900, 31, 127, 1, 1, 32, -254, 33, 4, 64, 300, 127, 63.5f, 126, 0.5f);
        float[] actual = ActivationRounding.INT8_WITH_OUTLIERS.round(both, 2, 128);
        assertArrayEquals(expected, Arrays.copyOf(actual, 128), 1e-4f);
        assertArrayEquals(new float[] {800, 508, 8}, Arrays.copyOfRange(actual, 133, 136), 1e-4f);
    }

    /// Each run of 32 has one of the equal magnitudes; where it stays, the run's step is that of the other elements.
    @Test
    void round_equalMagnitudes_firstColumnsStay() {
        for (int columns : new int[] {32, 96, 128, 160, 256, 384, 512}) {
            float[] row = row(columns, 1.1f);
            for (int first = 0; first < columns; first += 32) {
                row[first + 5] = first % 64 == 0 ? 254 : -254;
            }
            float[] actual = round(row);
            for (int first = 0; first < columns; first += 32) {
                float expected = first / 32 < Math.max(1, columns / 128) ? 1.1f : 2 * Math.round(1.1f / 2);
                assertEquals(expected, actual[first], 1e-6f, "columns=" + columns + ", first=" + first);
                assertEquals(row[first + 5], actual[first + 5], 1e-4f);
            }
        }
    }

    @Test
    void round_infinityOrNan_spoilsItsBlockAndNoElementStays() {
        for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
            float[] actual = round(row(64, 0, 3, bad, 40, 1000, 41, 3));
            for (int i = 0; i < 32; i++) {
                assertEquals(Float.NaN, actual[i]);
            }
            assertEquals(0, actual[41], "3 of steps of 1000 / 127");
            assertEquals(1000, actual[40], 1e-3f);
        }
    }

    @Test
    void round_tinyBlock_isZeroButForTheOutlier() {
        assertArrayEquals(row(32, 0, 9, 2e-30f), round(row(32, 9e-31f, 9, 2e-30f)));
    }

    @Test
    void round_randomRows_errByHalfAStepAtMost() {
        Random random = new Random(1);
        for (int i = 0; i < 50; i++) {
            int columns = 32 * (1 + random.nextInt(12));
            float[] row = new float[columns];
            for (int c = 0; c < columns; c++) {
                row[c] = (float) (random.nextGaussian() * Math.exp(random.nextGaussian()));
            }
            float[] actual = round(row);
            int exact = 0;
            for (int c = 0; c < columns; c++) {
                float largest = 0;
                for (int other = c / 32 * 32; other < c / 32 * 32 + 32; other++) {
                    largest = Math.max(largest, Math.abs(row[other]));
                }
                assertEquals(row[c], actual[c], largest / 127 * 0.5001f);
                exact += row[c] == actual[c] ? 1 : 0;
            }
            assertTrue(exact >= Math.max(1, columns / 128), "exact=" + exact);
        }
    }
}
