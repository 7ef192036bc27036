package dev.quire.health;

import dev.quire.engine.EngineStats;

/// For how long the engine has had work and made no step, as far as one who looks now and then can tell. The age of
/// the last step alone would not do: after an idle hour the first step of a new request would seem an hour late.
/// Thread-safe.
final class StallClock {
    private long stepNanos;
    private long sinceNanos;

    StallClock(long nowNanos) {
        sinceNanos = nowNanos;
    }

    /// Nanoseconds since the first look that saw the engine at work after the step that is still its last; 0 while it
    /// has none.
    synchronized long look(EngineStats stats, long nowNanos) {
        boolean working = stats.running() + stats.waiting() > 0;
        if (!working || stats.lastStepNanos() != stepNanos) {
            stepNanos = stats.lastStepNanos();
            sinceNanos = nowNanos;
        }
        return nowNanos - sinceNanos;
    }
}
