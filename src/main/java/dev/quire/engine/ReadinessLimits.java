package dev.quire.engine;

import java.time.Duration;

/// When requests should not be sent here. Headroom: blocks that nobody holds.
///
/// - `basis`: what counts besides the engine's own state
/// - `hold`: for how long blocks must be short before readiness ends; after which it comes back at the latest; for
///   how long it then stays at least
/// - `low`: with less headroom, and requests deferred for want of blocks, these are short
/// - `high`: with more headroom they no longer are
public record ReadinessLimits(Basis basis, Duration hold, int low, int high) {
    /// What readiness depends on.
    public enum Basis {
        /// Blocks, and room for one more request to wait.
        BLOCKS,
        /// Nothing but the engine's own state.
        ENGINE
    }

    /// Of a pool of `blocks` blocks, as set.
    static ReadinessLimits of(QuireSettings.HealthSettings settings, int blocks) {
        Basis basis =
                switch (settings.readiness()) {
                    case "blocks" -> Basis.BLOCKS;
                    case "engine" -> Basis.ENGINE;
                    default ->
                        throw new IllegalArgumentException(
                                "quire.health.readiness must be blocks or engine: quire.health.readiness="
                                        + settings.readiness());
                };
        double low = share("quire.health.low-watermark", settings.lowWatermark());
        double high = share("quire.health.high-watermark", settings.highWatermark());
        if (low > high) {
            throw new IllegalArgumentException("quire.health.low-watermark must be at most the high one:"
                    + " quire.health.low-watermark=" + low + ", quire.health.high-watermark=" + high);
        }
        if (settings.hold().isNegative()) {
            throw new IllegalArgumentException(
                    "quire.health.hold must not be negative: quire.health.hold=" + settings.hold());
        }
        return new ReadinessLimits(basis, settings.hold(), (int) Math.ceil(blocks * low), (int) (blocks * high));
    }

    private static double share(String name, double value) {
        if (!(value >= 0 && value < 1)) {
            throw new IllegalArgumentException(name + " must be at least 0 and below 1: " + name + "=" + value);
        }
        return value;
    }
}
