package dev.quire.template;

/// Python's `range`, at most {@link #LONGEST} numbers as in jinja2's sandbox.
record Range(long start, long stop, long step) {
    static final int LONGEST = 100_000;

    int length() {
        long count = Long.signum(step) * (stop - start);
        return count <= 0 ? 0 : (int) ((count - 1) / Math.abs(step) + 1);
    }

    long get(int index) {
        return start + index * step;
    }

    static Range checked(long start, long stop, long step) {
        // As a floating-point number, which does not wrap; a range that is too long is so by far more than it rounds.
        double count = step == 0 ? 0 : ((double) stop - start) / step;
        if (step == 0) {
            throw new TemplateException("range() arg 3 must not be zero");
        }
        if (count > LONGEST || Math.abs(start) > 1L << 60 || Math.abs(stop) > 1L << 60 || Math.abs(step) > 1L << 60) {
            throw new TemplateException(
                    "Range too big. The sandbox blocks ranges larger than MAX_RANGE (" + LONGEST + ").");
        }
        return new Range(start, stop, step);
    }
}
