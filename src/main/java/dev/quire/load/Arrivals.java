package dev.quire.load;

import java.util.random.RandomGenerator;

/// When the requests of an open load come: gaps from a gamma distribution of mean `1 / rate` and shape
/// `burstiness`, as vLLM's load generator has them. 1 is a Poisson process; less comes in bursts, more comes
/// evenly.
///
/// - `rate`: requests per second
record Arrivals(double rate, double burstiness) {
    Arrivals {
        if (!(rate > 0 && rate <= 1e6)) {
            throw new IllegalArgumentException("rate must be above 0 and at most 1000000: rate=" + rate);
        }
        if (!(burstiness >= 0.001 && burstiness <= 1e6)) {
            throw new IllegalArgumentException(
                    "burstiness must be between 0.001 and 1000000: burstiness=" + burstiness);
        }
    }

    /// The next gap, in nanoseconds.
    long gapNanos(RandomGenerator random) {
        double gap = burstiness == 1 ? random.nextExponential() : gamma(burstiness, random) / burstiness;
        return Math.round(gap / rate * 1e9);
    }

    /// A draw from the gamma distribution of this shape and scale 1, by rejection: Marsaglia and Tsang, "A
    /// simple method for generating gamma variables", ACM TOMS 26 (2000). Below shape 1 it is a draw of `shape
    /// + 1`, scaled by a power of a uniform one (section 6 there).
    private static double gamma(double shape, RandomGenerator random) {
        if (shape < 1) {
            return gamma(shape + 1, random) * Math.pow(1 - random.nextDouble(), 1 / shape);
        }
        double d = shape - 1.0 / 3;
        double c = 1 / Math.sqrt(9 * d);
        while (true) {
            double x = random.nextGaussian();
            double v = Math.pow(1 + c * x, 3);
            if (v > 0 && Math.log(1 - random.nextDouble()) < x * x / 2 + d - d * v + d * Math.log(v)) {
                return d * v;
            }
        }
    }
}
