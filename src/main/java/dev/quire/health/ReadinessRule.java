package dev.quire.health;

import dev.quire.engine.EngineStats;
import dev.quire.engine.ReadinessLimits;

/// Whether requests should be sent here, as far as one who looks now and then can tell.
///
/// The engine's own state counts at once. A *spell* without readiness begins when blocks have been short for the
/// hold time, or no more requests may wait; it ends when headroom is above the high watermark and there is room to
/// wait, at the latest after the hold time; the next begins no earlier than a hold time later. So a fleet of which
/// all are overloaded is never away for good, and requests that find no room get 429.
///
/// Not thread-safe: its watch guards it.
final class ReadinessRule {
    private final ReadinessLimits limits;
    private final long holdNanos;
    private boolean away; // in a spell
    private long sinceNanos; // when the spell began; or when the last one ended
    private boolean spoilt; // there has been a spell
    private String reason = "";

    ReadinessRule(ReadinessLimits limits) {
        this.limits = limits;
        holdNanos = limits.hold().toNanos();
    }

    /// Looks at the engine; true if it is ready.
    boolean look(EngineStats stats, long nowNanos) {
        if (stats.state() != EngineStats.State.READY) {
            reason = stats.stateReason();
            return false;
        }
        boolean room = stats.waiting() < stats.capacity();
        if (away) {
            boolean over = room && stats.available() > limits.high();
            if (over || nowNanos - sinceNanos >= holdNanos) {
                away = false;
                sinceNanos = nowNanos;
            }
        } else if (limits.basis() == ReadinessLimits.Basis.BLOCKS && !(spoilt && nowNanos - sinceNanos < holdNanos)) {
            beginSpell(stats, room, nowNanos);
        }
        reason = away ? reason : "";
        return !away;
    }

    private void beginSpell(EngineStats stats, boolean room, long nowNanos) {
        EngineStats.Headroom headroom = stats.headroom();
        boolean shortNow = headroom.shortSinceNanos() != 0 && nowNanos - headroom.shortSinceNanos() >= holdNanos;
        if (room && !shortNow) {
            return;
        }
        reason = room
                ? "headroom must be at least the low watermark, or nobody deferred: headroom=" + stats.available()
                        + ", low=" + limits.low() + ", deferred=" + headroom.deferred()
                : "waiting must be below capacity: waiting=" + stats.waiting() + ", capacity=" + stats.capacity();
        away = true;
        spoilt = true;
        sinceNanos = nowNanos;
    }

    /// Why the last look found it not ready; empty if it was ready.
    String reason() {
        return reason;
    }
}
