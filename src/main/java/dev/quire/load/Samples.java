package dev.quire.load;

import java.util.Arrays;

/// Measured values, each of them kept: as many as the load has requests, or tokens. In single precision, which
/// is finer than a clock's noise and half the memory.
///
/// Not thread-safe: the thread of its run owns it.
final class Samples {
    private float[] values = new float[16];
    private int count;

    void add(double value) {
        if (count == values.length) {
            values = Arrays.copyOf(values, 2 * count);
        }
        values[count++] = (float) value;
    }

    void addAll(Samples more) {
        if (count + more.count > values.length) {
            values = Arrays.copyOf(values, Math.max(2 * values.length, count + more.count));
        }
        System.arraycopy(more.values, 0, values, count, more.count);
        count += more.count;
    }

    int count() {
        return count;
    }

    double median() {
        return summary().p50();
    }

    Summary summary() {
        return Summary.of(Arrays.copyOf(values, count));
    }
}
