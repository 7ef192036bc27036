package dev.quire.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SamplesTest {
    /// What `numpy.percentile([4, 1, 3, 2], [50, 90, 99])` gives.
    @Test
    void summary_isNumpys() {
        Summary summary = samples(4, 1, 3, 2).summary();
        assertEquals(2.5, summary.mean());
        assertEquals(2.5, summary.p50());
        assertEquals(3.7, summary.p90(), 1e-9);
        assertEquals(3.97, summary.p99(), 1e-9);
        assertEquals(4, summary.max());
    }

    @Test
    void summary_ofOne_isIt() {
        assertEquals(new Summary(5, 5, 5, 5, 5), samples(5).summary());
    }

    @Test
    void summary_ofNone_isNoNumber() {
        Summary summary = samples().summary();
        for (double value : new double[] {summary.mean(), summary.p50(), summary.p90(), summary.p99(), summary.max()}) {
            assertTrue(Double.isNaN(value));
        }
    }

    /// Beside a naive twin that counts: a percentile lies between the samples around it, and so many are below
    /// it.
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void summary_randomSamples_agreesWithCounting(long seed) {
        var random = new SplittableRandom(seed);
        List<Double> twin = new ArrayList<>();
        Samples whole = new Samples();
        while (twin.size() < 50 * seed * seed) {
            Samples part = new Samples();
            for (int i = random.nextInt(40); i > 0; i--) {
                double value = (float) random.nextExponential();
                twin.add(value);
                part.add(value);
            }
            whole.addAll(part);
        }
        Summary summary = whole.summary();
        assertEquals(twin.size(), whole.count());
        assertEquals(twin.stream().mapToDouble(x -> x).average().orElseThrow(), summary.mean(), 1e-9);
        assertEquals(twin.stream().mapToDouble(x -> x).max().orElseThrow(), summary.max());
        for (double[] pair : new double[][] {{0.5, summary.p50()}, {0.9, summary.p90()}, {0.99, summary.p99()}}) {
            long below = twin.stream().filter(x -> x <= pair[1]).count();
            assertEquals(Math.floor(pair[0] * (twin.size() - 1)) + 1, below, "share=" + pair[0]);
        }
    }

    private static Samples samples(double... values) {
        Samples samples = new Samples();
        for (double value : values) {
            samples.add(value);
        }
        return samples;
    }
}
