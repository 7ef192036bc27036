package dev.quire.health;

import dev.quire.engine.EngineStats;
import dev.quire.engine.InferenceEngine;
import jakarta.inject.Singleton;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.HealthCheckResponseBuilder;
import org.eclipse.microprofile.health.Readiness;

/// Up while the engine takes requests and there is room for one more to wait. Few free blocks alone are not a reason:
/// a busy paged server runs near none. The body always shows them.
@Readiness
@Singleton
public final class ReadinessProbe implements HealthCheck {
    private final InferenceEngine engine;

    ReadinessProbe(InferenceEngine engine) {
        this.engine = engine;
    }

    @Override
    public HealthCheckResponse call() {
        return response(engine.stats());
    }

    static HealthCheckResponse response(EngineStats stats) {
        boolean takes = stats.state() == EngineStats.State.READY;
        boolean room = stats.waiting() < stats.capacity();
        HealthCheckResponseBuilder response = HealthCheckResponse.named("engine takes requests")
                .status(takes && room)
                .withData("state", stats.state().name())
                .withData("blocks", stats.blocks())
                .withData("free", stats.free())
                .withData("cached", stats.cached())
                .withData("inUse", stats.inUse())
                .withData("inTransit", stats.inTransit())
                .withData("running", stats.running())
                .withData("waiting", stats.waiting())
                .withData("capacity", stats.capacity());
        if (!takes) {
            response.withData("reason", stats.stateReason());
        } else if (!room) {
            response.withData(
                    "reason",
                    "waiting must be below capacity: waiting=" + stats.waiting() + ", capacity=" + stats.capacity());
        }
        return response.build();
    }
}
