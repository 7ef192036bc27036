package dev.quire.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.function.BooleanSupplier;

/// Running engines for tests.
final class Engines {
    private Engines() {}

    /// An engine with the tiny model that takes requests.
    static InferenceEngine start(String... overrides) {
        var engine = InferenceEngine.start(TestSettings.of(overrides));
        assertTrue(engine.awaitReady(60_000), () -> engine.stats().stateReason());
        return engine;
    }

    /// Waits until `condition` holds; the deadline only says when a broken engine is given up.
    static void until(BooleanSupplier condition) {
        long deadline = System.nanoTime() + 30_000_000_000L;
        while (!condition.getAsBoolean()) {
            assertTrue(System.nanoTime() < deadline, "condition must come true");
            Thread.onSpinWait();
        }
    }

    static void assertEveryBlockIsFree(InferenceEngine engine) {
        until(() -> engine.stats().running() == 0 && engine.stats().waiting() == 0);
        until(() -> engine.stats().inUse() == 0);
        EngineStats stats = engine.stats();
        assertEquals(stats.blocks(), stats.free() + stats.cached());
        assertEquals(0, stats.tokensStored());
    }
}
