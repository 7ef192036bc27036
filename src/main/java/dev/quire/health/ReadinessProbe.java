package dev.quire.health;

import dev.quire.engine.EngineStats;
import jakarta.inject.Singleton;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.HealthCheckResponseBuilder;
import org.eclipse.microprofile.health.Readiness;

/// Up while requests should be sent here ({@link ReadinessRule}). The body always shows the blocks.
@Readiness
@Singleton
public final class ReadinessProbe implements HealthCheck {
    private final ReadinessWatch watch;

    ReadinessProbe(ReadinessWatch watch) {
        this.watch = watch;
    }

    @Override
    public HealthCheckResponse call() {
        return response(watch.look());
    }

    static HealthCheckResponse response(ReadinessWatch.Look look) {
        EngineStats stats = look.stats();
        HealthCheckResponseBuilder response = HealthCheckResponse.named("engine takes requests")
                .status(look.ready())
                .withData("state", stats.state().name())
                .withData("blocks", stats.blocks())
                .withData("free", stats.free())
                .withData("cached", stats.cached())
                .withData("inUse", stats.inUse())
                .withData("inTransit", stats.inTransit())
                .withData("lowWatermark", stats.headroom().low())
                .withData("highWatermark", stats.headroom().high())
                .withData("deferred", stats.headroom().deferred())
                .withData("running", stats.running())
                .withData("waiting", stats.waiting())
                .withData("capacity", stats.capacity());
        return (look.ready() ? response : response.withData("reason", look.reason())).build();
    }
}
