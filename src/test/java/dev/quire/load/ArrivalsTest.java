package dev.quire.load;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.SplittableRandom;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ArrivalsTest {
    private static final int GAPS = 200_000;

    /// A gamma distribution of shape k and mean m has the variance m² / k.
    @ParameterizedTest
    @CsvSource({"1, 1", "4, 1", "0.5, 1", "100, 0.5", "2, 0.2", "3, 3", "1000, 50"})
    void gapNanos_manyTimes_hasMeanAndVariance(double rate, double burstiness) {
        double[] gaps = LongStream.of(gaps(rate, burstiness, 1))
                .mapToDouble(nanos -> nanos / 1e9 * rate)
                .toArray();
        double mean = LongStream.of(gaps(rate, burstiness, 1)).average().orElseThrow() / 1e9 * rate;
        double variance = 0;
        for (double gap : gaps) {
            variance += (gap - 1) * (gap - 1) / gaps.length;
        }
        assertEquals(1, mean, 4 / Math.sqrt(burstiness * GAPS));
        assertEquals(1 / burstiness, variance, 0.05 / burstiness);
    }

    /// Of a Poisson process, a share of 1 − 1/e of the gaps is below the mean.
    @Test
    void gapNanos_burstinessOne_isExponential() {
        long below = LongStream.of(gaps(1, 1, 2)).filter(nanos -> nanos < 1e9).count();
        assertEquals(1 - 1 / Math.E, (double) below / GAPS, 0.005);
    }

    @Test
    void gapNanos_sameSeed_isTheSame() {
        assertArrayEquals(gaps(3, 0.7, 9), gaps(3, 0.7, 9));
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, -1, Double.NaN, 1e7, Double.POSITIVE_INFINITY})
    void rate_outOfBounds_isRefused(double rate) {
        var e = assertThrows(IllegalArgumentException.class, () -> new Arrivals(rate, 1));
        assertEquals("rate must be above 0 and at most 1000000: rate=" + rate, e.getMessage());
    }

    @ParameterizedTest
    @ValueSource(doubles = {0, -1, Double.NaN, 1e7})
    void burstiness_outOfBounds_isRefused(double burstiness) {
        var e = assertThrows(IllegalArgumentException.class, () -> new Arrivals(1, burstiness));
        assertEquals("burstiness must be between 0.001 and 1000000: burstiness=" + burstiness, e.getMessage());
    }

    private static long[] gaps(double rate, double burstiness, long seed) {
        var random = new SplittableRandom(seed);
        var arrivals = new Arrivals(rate, burstiness);
        return LongStream.range(0, GAPS).map(_ -> arrivals.gapNanos(random)).toArray();
    }
}
