package dev.quire.engine;

import java.util.function.LongSupplier;

/// Where the engine thread's time goes. Every moment from the first lap on belongs to exactly one part, so the parts
/// add up to the time that has passed, and what a step costs beside its kernels can be read from them.
///
/// A lap costs one reading of the clock, some 25 ns; a step has five. Not thread-safe: the engine thread owns it.
final class StepClock {
    /// What the engine thread does.
    enum Part {
        /// Nothing: there is no sequence.
        WAIT,
        /// Takes requests in and plans the step.
        SCHEDULE,
        /// Flattens the plan into a batch.
        BUILD,
        /// The forward pass, up to the logits.
        KERNELS,
        /// Chooses tokens from the logits.
        SAMPLE,
        /// Appends tokens, gives blocks back, tells the readers.
        DELIVER
    }

    private final LongSupplier nanoTime;
    private final long[] nanos = new long[Part.values().length];
    private long mark;

    /// `nanoTime`: `System::nanoTime`, or a test's clock.
    StepClock(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
        mark = nanoTime.getAsLong();
    }

    /// The time since the last lap was spent on `part`.
    void lap(Part part) {
        lap(part, part, 0);
    }

    /// The time since the last lap was spent on `part`, but for `innerNanos` of it, which were spent on `inner`.
    void lap(Part part, Part inner, long innerNanos) {
        long now = nanoTime.getAsLong();
        nanos[part.ordinal()] += now - mark - innerNanos;
        nanos[inner.ordinal()] += innerNanos;
        mark = now;
    }

    /// When the last lap ended, on `nanoTime`'s scale.
    long markNanos() {
        return mark;
    }

    long nanos(Part part) {
        return nanos[part.ordinal()];
    }
}
