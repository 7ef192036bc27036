package dev.quire.template;

import java.util.function.LongSupplier;

/// What one rendering has left of its {@link Limits}. Whatever takes time or memory in proportion to a template's
/// values asks here first. Not thread-safe: one rendering owns it.
final class Budget {
    /// Characters that an element of a collection counts as: a reference and a small object.
    static final int ITEM_UNITS = 24;

    private static final int CHARACTERS_PER_STEP = 64;
    private static final int STEPS_PER_LOOK = 1024; // at the clock, which takes about 25 ns

    private final Limits limits;
    private final LongSupplier nanoTime;
    private final long startNanos;
    private long steps;
    private long nextLook = STEPS_PER_LOOK;
    private long memory;
    private int depth;

    Budget(Limits limits, LongSupplier nanoTime) {
        this.limits = limits;
        this.nanoTime = nanoTime;
        startNanos = nanoTime.getAsLong();
    }

    void step() {
        work(1);
    }

    /// Before `more` elements are worked on.
    void work(long more) {
        steps += more;
        if (steps > limits.steps()) {
            throw new TemplateException("template must not take more steps: most=" + limits.steps());
        }
        if (steps >= nextLook) {
            nextLook = steps + STEPS_PER_LOOK;
            if (nanoTime.getAsLong() - startNanos > limits.nanos()) {
                throw new TemplateException("template must not take more time: millis=" + limits.nanos() / 1_000_000);
            }
        }
    }

    /// Before `length` characters are read.
    void scan(long length) {
        work(length / CHARACTERS_PER_STEP);
    }

    /// Before a text of `length` characters is made.
    void text(long length) {
        grow(0, length);
    }

    /// Before a text of `length` characters grows by `more`.
    void grow(long length, long more) {
        if (length + more > limits.textLength()) {
            throw new TemplateException(
                    "text must not be longer: length=" + (length + more) + ", longest=" + limits.textLength());
        }
        take(more);
        scan(more);
    }

    /// Before a collection of `size` elements is made.
    void items(long size) {
        if (size > limits.items()) {
            throw new TemplateException("collection must not be larger: size=" + size + ", largest=" + limits.items());
        }
        take(size * ITEM_UNITS);
        work(size);
    }

    /// Before a level of nesting is entered; {@link #leave} follows.
    void enter(int levels) {
        depth += levels;
        if (depth > limits.depth()) {
            throw new TemplateException("nesting must not be deeper: deepest=" + limits.depth());
        }
    }

    void leave(int levels) {
        depth -= levels;
    }

    private void take(long units) {
        memory += units;
        if (memory > limits.memory()) {
            throw new TemplateException("texts and collections must not take more memory: most=" + limits.memory());
        }
    }
}
