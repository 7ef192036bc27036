package dev.quire.health;

import dev.quire.engine.EngineStats;
import dev.quire.engine.InferenceEngine;
import jakarta.inject.Singleton;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Startup;

/// Up once the model is loaded, the pool is taken and the engine has been ready.
@Startup
@Singleton
public final class StartupProbe implements HealthCheck {
    private final InferenceEngine engine;

    StartupProbe(InferenceEngine engine) {
        this.engine = engine;
    }

    @Override
    public HealthCheckResponse call() {
        EngineStats stats = engine.stats();
        boolean started = engine.model().isPresent() && stats.blocks() > 0 && hasBeenReady(stats.state());
        var response = HealthCheckResponse.named("engine started")
                .status(started)
                .withData("state", stats.state().name())
                .withData("blocks", stats.blocks());
        engine.model().ifPresent(model -> response.withData("model", model.name()));
        return (started ? response : response.withData("reason", stats.stateReason())).build();
    }

    /// A server that drains has started; one that failed is liveness's business only if it had.
    private static boolean hasBeenReady(EngineStats.State state) {
        return switch (state) {
            case READY, DRAINING -> true;
            case STARTING, FAILED, STOPPED -> false;
        };
    }
}
