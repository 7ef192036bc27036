package dev.quire.engine;

import java.util.concurrent.TimeUnit;

/// When an idle engine checks its bookkeeping: if it has run since the last check, and that is a second ago. A
/// check is O(blocks), and the next request waits for it.
///
/// Times are `System.nanoTime()`'s. Not thread-safe: the engine thread owns it.
final class IdleCheck {
    private static final long INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(1);

    private boolean wanted = true;
    private boolean checked;
    private long lastNanos;

    /// Something has run: what it left is to be checked.
    void ran() {
        wanted = true;
    }

    /// Whether a check is wanted at all, now or later.
    boolean wanted() {
        return wanted;
    }

    /// How long a wanted check has to wait still; 0 if it is due.
    long waitNanos(long nowNanos) {
        return checked ? Math.max(0, lastNanos + INTERVAL_NANOS - nowNanos) : 0;
    }

    /// A check has been made.
    void done(long nowNanos) {
        wanted = false;
        checked = true;
        lastNanos = nowNanos;
    }
}
