package dev.quire.health;

import dev.quire.engine.EngineStats;
import dev.quire.engine.InferenceEngine;
import jakarta.inject.Singleton;
import java.time.Duration;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Liveness;

/// Down when the engine has failed, or has work and makes no step.
@Liveness
@Singleton
public final class LivenessProbe implements HealthCheck {
    /// Longest step that counts as moving. 512 tokens of an 8-billion-parameter model take 8 TFLOP: on two slow cores
    /// (50 GFLOP/s) 160 s. Restarting a slow server would only make it slower.
    static final Duration STEP_LIMIT = Duration.ofMinutes(5);

    private final InferenceEngine engine;
    private final StallClock clock = new StallClock(System.nanoTime());

    LivenessProbe(InferenceEngine engine) {
        this.engine = engine;
    }

    @Override
    public HealthCheckResponse call() {
        EngineStats stats = engine.stats();
        return response(stats, clock.look(stats, System.nanoTime()));
    }

    static HealthCheckResponse response(EngineStats stats, long stalledNanos) {
        boolean failed = stats.state() == EngineStats.State.FAILED;
        long stalledMillis = stalledNanos / 1_000_000;
        boolean stuck = stalledMillis > STEP_LIMIT.toMillis();
        var response = HealthCheckResponse.named("engine moves")
                .status(!failed && !stuck)
                .withData("state", stats.state().name())
                .withData("stalledMillis", stalledMillis)
                .withData("steps", stats.steps());
        if (failed) {
            return response.withData("reason", stats.stateReason()).build();
        }
        return (stuck
                        ? response.withData(
                                "reason",
                                "a step must end within the limit: stalledMillis=" + stalledMillis + ", limitMillis="
                                        + STEP_LIMIT.toMillis())
                        : response)
                .build();
    }
}
