package dev.quire.health;

import dev.quire.engine.EngineStats;
import dev.quire.engine.InferenceEngine;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.quarkus.runtime.Startup;
import jakarta.annotation.PreDestroy;
import jakarta.inject.Singleton;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jboss.logging.Logger;

/// Looks at the engine ten times a second, so that a spell without readiness begins and ends on time however often
/// somebody probes, and says each change in one line.
@Singleton
@Startup
public final class ReadinessWatch implements MeterBinder {
    /// What was seen at one moment.
    ///
    /// - `reason`: why not ready, or empty
    record Look(EngineStats stats, boolean ready, String reason) {}

    private static final Logger LOG = Logger.getLogger(ReadinessWatch.class);
    private static final long PERIOD_MILLIS = 100;

    private final InferenceEngine engine;
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().name("quire-readiness").daemon().factory());
    private ReadinessRule rule; // null until the engine knows its limits
    private boolean spell;

    ReadinessWatch(InferenceEngine engine) {
        this.engine = engine;
        timer.scheduleAtFixedRate(this::look, PERIOD_MILLIS, PERIOD_MILLIS, TimeUnit.MILLISECONDS);
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        Gauge.builder("quire_ready", this, watch -> watch.look().ready() ? 1 : 0)
                .description("Whether requests should be sent here, 0 or 1")
                .register(registry);
    }

    /// Any thread.
    synchronized Look look() {
        EngineStats stats = engine.stats();
        if (rule == null) {
            rule = engine.readinessLimits().map(ReadinessRule::new).orElse(null);
        }
        boolean now = rule != null && rule.look(stats, System.nanoTime());
        String reason = rule == null ? stats.stateReason() : rule.reason();
        tell(stats, !now && stats.state() == EngineStats.State.READY, reason);
        return new Look(stats, now, reason);
    }

    /// A line where a spell begins or ends; what else the engine goes through it says itself.
    private void tell(EngineStats stats, boolean now, String reason) {
        if (now != spell) {
            spell = now;
            if (now) {
                LOG.warn("not ready: " + reason);
            } else {
                LOG.infof("ready again: headroom=%d, waiting=%d", stats.available(), stats.waiting());
            }
        }
    }

    @PreDestroy
    void close() {
        timer.shutdownNow();
    }
}
