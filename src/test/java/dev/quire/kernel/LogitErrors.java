package dev.quire.kernel;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;

/// How far rows of logits are from those of the reference that rounds activations as the native kernels do
/// ({@link ActivationRounding}): of each row the largest difference, relative to its largest logit.
///
/// The two differ in the order of their float32 sums. Hence an activation that lies close to the middle of two steps
/// may be rounded to either, and with it all that is computed from it, each of which may then be rounded to another
/// step. So a row is either equal but for sums, or as far away as rounding itself puts it. After a token or two most
/// rows are the former (96 of 100, of a Gemma with three layers 71), whereas one wrong rounding, outlier or weight
/// spares hardly any.
public final class LogitErrors {
    /// Of rows in which every activation is rounded to the same step. The sums on the way to a logit have about 3,000
    /// terms, whose roundings, 2^-24 each, add up at random to 3e-6; 1e-6 is usual.
    public static final double SUMS = 1e-5;

    /// Of the others: twice the worst of some 10,000 rows, 3e-2, of random models of all types and architectures, in
    /// contexts of up to 300 tokens.
    public static final double ROUNDINGS = 6e-2;

    private final List<Double> errors = new ArrayList<>();

    public static double of(float[] expected, float[] actual) {
        double largest = 0;
        double error = 0;
        for (int i = 0; i < expected.length; i++) {
            largest = Math.max(largest, Math.abs(expected[i]));
            error = Math.max(error, Math.abs(expected[i] - actual[i]));
        }
        return error / largest;
    }

    public void add(float[] expected, float[] actual) {
        errors.add(of(expected, actual));
    }

    /// Half of the rows equal but for sums, all equal but for roundings.
    public void assertMostEqual(String where) {
        long equal = errors.stream().filter(error -> error <= SUMS).count();
        assertTrue(2 * equal >= errors.size(), where + ": equal=" + equal + ", errors=" + errors);
        assertTrue(errors.stream().allMatch(error -> error <= ROUNDINGS), where + ": errors=" + errors);
    }
}
