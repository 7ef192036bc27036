package dev.quire.load;

import java.util.Arrays;

/// What a set of samples comes to; every value is NaN where there are none. Percentiles are interpolated
/// linearly between the closest two samples, as numpy does.
public record Summary(double mean, double p50, double p90, double p99, double max) {
    /// Sorts `values`.
    static Summary of(float[] values) {
        Arrays.sort(values);
        double sum = 0;
        for (float value : values) {
            sum += value;
        }
        return new Summary(
                sum / values.length, // NaN for none
                percentile(values, 0.5),
                percentile(values, 0.9),
                percentile(values, 0.99),
                percentile(values, 1));
    }

    private static double percentile(float[] sorted, double share) {
        if (sorted.length == 0) {
            return Double.NaN;
        }
        double place = share * (sorted.length - 1);
        int below = (int) place;
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (place - below) * ((double) sorted[above] - sorted[below]);
    }
}
