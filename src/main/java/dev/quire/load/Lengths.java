package dev.quire.load;

import java.util.List;
import java.util.Locale;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// A distribution of lengths in tokens, as a flag writes it:
///
/// | written | drawn |
/// |---|---|
/// | `128` | always 128 |
/// | `64-256` | each length from 64 to 256 equally often |
/// | `normal:128,32` | normal, by mean and standard deviation |
/// | `lognormal:128,64` | lognormal, by its own mean and standard deviation, not by those of its logarithm |
/// | `128,512,512,2048` | one of the list; what stands twice comes twice as often |
///
/// Draws are rounded and lie between 1 and {@link #MOST}.
public sealed interface Lengths {
    /// Longer ones would be a slip: no server has such a context.
    int MOST = 1 << 20;

    /// What a text must be to be a distribution.
    String FORMS = "must be 128, 64-256, normal:MEAN,SD, lognormal:MEAN,SD or a list such as 128,512,2048,"
            + " with lengths from 1 to " + MOST;

    /// One length.
    int draw(RandomGenerator random);

    /// The inverse of `toString`. Throws {@link IllegalArgumentException} with {@link #FORMS}.
    static Lengths parse(String text) {
        try {
            String form = text.strip().toLowerCase(Locale.ROOT);
            if (form.startsWith("normal:")) {
                double[] two = meanAndDeviation(form.substring("normal:".length()));
                return new Normal(two[0], two[1]);
            }
            if (form.startsWith("lognormal:")) {
                double[] two = meanAndDeviation(form.substring("lognormal:".length()));
                return new LogNormal(two[0], two[1]);
            }
            int dash = form.indexOf('-');
            if (dash > 0) {
                return new Uniform(
                        Integer.parseInt(form.substring(0, dash)), Integer.parseInt(form.substring(dash + 1)));
            }
            return new Listed(
                    Stream.of(form.split(",", -1)).map(Integer::valueOf).toList());
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(FORMS);
        }
    }

    private static double[] meanAndDeviation(String text) {
        String[] two = text.split(",", -1);
        if (two.length != 2) {
            throw new IllegalArgumentException(FORMS);
        }
        return new double[] {Double.parseDouble(two[0]), Double.parseDouble(two[1])};
    }

    private static void check(double least, double most, double deviation) {
        if (!(least >= 1 && most >= least && most <= MOST && deviation >= 0 && deviation <= MOST)) {
            throw new IllegalArgumentException(FORMS);
        }
    }

    private static int clamp(double drawn) {
        return (int) Math.clamp(Math.round(drawn), 1L, MOST);
    }

    /// `12` and not `12.0`.
    static String plain(double value) {
        return value == Math.rint(value) ? Long.toString((long) value) : Double.toString(value);
    }

    /// Each whole number from `least` to `most`.
    record Uniform(int least, int most) implements Lengths {
        public Uniform {
            check(least, most, 0);
        }

        @Override
        public int draw(RandomGenerator random) {
            return random.nextInt(least, most + 1);
        }

        @Override
        public String toString() {
            return least + "-" + most;
        }
    }

    /// Normal. What falls below 1 becomes 1, which moves the mean up where the deviation is large.
    record Normal(double mean, double deviation) implements Lengths {
        public Normal {
            check(mean, mean, deviation);
        }

        @Override
        public int draw(RandomGenerator random) {
            return clamp(random.nextGaussian(mean, deviation));
        }

        @Override
        public String toString() {
            return "normal:" + plain(mean) + "," + plain(deviation);
        }
    }

    /// Lognormal: its logarithm is normal with variance `log(1 + deviation² / mean²)` and mean `log(mean) −
    /// variance / 2`.
    record LogNormal(double mean, double deviation) implements Lengths {
        public LogNormal {
            check(mean, mean, deviation);
        }

        @Override
        public int draw(RandomGenerator random) {
            double variance = Math.log1p(deviation * deviation / (mean * mean));
            return clamp(Math.exp(random.nextGaussian(Math.log(mean) - variance / 2, Math.sqrt(variance))));
        }

        @Override
        public String toString() {
            return "lognormal:" + plain(mean) + "," + plain(deviation);
        }
    }

    /// One of a list, at least of one.
    record Listed(List<Integer> lengths) implements Lengths {
        public Listed {
            lengths = List.copyOf(lengths);
            lengths.forEach(length -> check(length, length, 0));
        }

        @Override
        public int draw(RandomGenerator random) {
            return lengths.get(lengths.size() == 1 ? 0 : random.nextInt(lengths.size()));
        }

        @Override
        public String toString() {
            return lengths.stream().map(String::valueOf).collect(Collectors.joining(","));
        }
    }
}
