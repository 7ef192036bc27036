package dev.quire.health;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.quire.engine.EngineStats;
import dev.quire.engine.EngineStats.State;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.HealthCheckResponse.Status;
import org.junit.jupiter.api.Test;

/// What the probes make of an engine's state.
class ProbeTest {
    private static final long NOW = 1_000_000_000_000L;

    @Test
    void readiness_ready_isUpAndShowsBlocks() {
        var response = ReadinessProbe.response(new ReadinessWatch.Look(stats(State.READY, 2, 3, NOW), true, ""));
        assertEquals(Status.UP, response.getStatus());
        var data = response.getData().orElseThrow();
        assertEquals(5L, data.get("free"));
        assertEquals(1L, data.get("cached"));
        assertEquals(4L, data.get("inUse"));
        assertEquals(0L, data.get("inTransit"));
        assertEquals(2L, data.get("lowWatermark"));
        assertEquals(3L, data.get("highWatermark"));
        assertEquals(1L, data.get("deferred"));
        assertFalse(data.containsKey("reason"));
    }

    @Test
    void readiness_notReady_isDownAndSaysWhy() {
        var response = ReadinessProbe.response(new ReadinessWatch.Look(stats(State.READY, 2, 4, NOW), false, "why"));
        assertEquals(Status.DOWN, response.getStatus());
        assertEquals("why", reason(response));
        assertEquals(5L, response.getData().orElseThrow().get("free"));
    }

    @Test
    void stallClock_idle_standsStillHoweverOldTheLastStep() {
        var clock = new StallClock(0);
        assertEquals(0, clock.look(stats(State.READY, 0, 0, 7), 50));
        assertEquals(0, clock.look(stats(State.READY, 0, 0, 7), NOW));
        assertEquals(10, clock.look(stats(State.READY, 0, 1, 7), NOW + 10));
    }

    @Test
    void stallClock_work_runsUntilTheNextStep() {
        var clock = new StallClock(0);
        clock.look(stats(State.READY, 1, 0, 7), 100);
        assertEquals(60, clock.look(stats(State.READY, 1, 0, 7), 160));
        assertEquals(0, clock.look(stats(State.READY, 1, 0, 150), 170));
        assertEquals(30, clock.look(stats(State.READY, 1, 0, 150), 200));
    }

    @Test
    void liveness_workWithoutStep_isDownAfterTheLimit() {
        long limit = LivenessProbe.STEP_LIMIT.toNanos();
        var stats = stats(State.READY, 1, 0, NOW);
        var inTime = LivenessProbe.response(stats, limit);
        assertEquals(Status.UP, inTime.getStatus());
        assertFalse(inTime.getData().orElseThrow().containsKey("reason"));
        var late = LivenessProbe.response(stats, limit + 1_000_000);
        assertEquals(Status.DOWN, late.getStatus());
        assertEquals("a step must end within the limit: stalledMillis=300001, limitMillis=300000", reason(late));
    }

    @Test
    void liveness_failedEngine_isDown() {
        var response = LivenessProbe.response(stats(State.FAILED, 0, 0, NOW), 0);
        assertEquals(Status.DOWN, response.getStatus());
        assertEquals("a reason", reason(response));
    }

    private static Object reason(HealthCheckResponse response) {
        return response.getData().orElseThrow().get("reason");
    }

    /// Ten blocks: five free, one cached, four in use; four requests may wait.
    private static EngineStats stats(State state, int running, int waiting, long lastStepNanos) {
        return new EngineStats(
                state,
                "a reason",
                16,
                10,
                5,
                1,
                4,
                0,
                60,
                60,
                1024,
                160,
                running,
                waiting,
                4,
                lastStepNanos,
                9,
                0,
                0,
                0,
                0,
                0,
                0,
                new EngineStats.StepNanos(0, 0, 0, 0, 0, 0),
                new EngineStats.Sharing(0, 0, 0, 0, 0, 0, 0),
                new EngineStats.Peaks(0, 0, 0, 0),
                new EngineStats.Contiguous(
                        new EngineStats.Reserved(0, 0, 0, 0, 0), new EngineStats.Reserved(0, 0, 0, 0, 0)),
                new EngineStats.Swap(0, 0, 0, 0, 0),
                new EngineStats.Headroom(2, 3, 1, 0, 0, 0),
                new EngineStats.Fragmentation(0, 0, 0, 0, 0),
                new EngineStats.Moves(0, 0, 0, 0, 0));
    }
}
