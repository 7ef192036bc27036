package dev.quire.engine;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Promise 1 on the default model with the native kernels: 32 requests at once, preempted on the way, give exactly the
/// tokens that each gives alone, on one thread as on two.
class SmolLm2EngineIT {
    @ParameterizedTest
    @ValueSource(strings = {"1", "2"})
    void mixedRequests_inATinyPool_giveTheTokensThatEachGivesAlone(String threads) {
        var settings = TestSettings.of(
                "quire.model",
                "smollm2-135m-instruct",
                "quire.threads",
                threads,
                "quire.cache.blocks",
                "14",
                "quire.batch.tokens",
                "48",
                "quire.batch.sequences",
                "32");
        try (var engine = InferenceEngine.start(settings)) {
            assertTrue(engine.awaitReady(600_000), () -> engine.stats().stateReason());
            EngineStreamTest.assertTokensAreThoseAlone(engine, 32);
        }
    }
}
