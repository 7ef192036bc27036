package dev.quire.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.sampling.SamplingParameters;
import dev.quire.scheduler.Sequence;
import dev.quire.scheduler.TokenBuffer;
import java.time.Duration;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/// Questions to a running engine.
class EngineInspectionTest {
    private static <T> T answer(CompletionStage<Inspection<T>> asked) {
        Inspection<T> outcome = outcome(asked);
        if (outcome instanceof Inspection.Answered<T>(var value)) {
            return value;
        }
        throw new AssertionError(outcome.toString());
    }

    private static <T> Inspection<T> outcome(CompletionStage<Inspection<T>> asked) {
        return asked.toCompletableFuture().orTimeout(20, TimeUnit.SECONDS).join();
    }

    @Test
    void idleEngine_answers_andSaysTheSameTwice() {
        try (InferenceEngine engine = Engines.start("quire.cache.blocks", "40")) {
            for (int i = 0; i < 3; i++) {
                CachePage<CacheBlock> page = answer(engine.blocks(0, 30));
                assertEquals(30, page.items().size());
                assertTrue(page.more());
                assertEquals(0, page.step());
                assertTrue(answer(engine.sequences(-1, 10)).items().isEmpty());
                assertTrue(answer(engine.table(0)).isEmpty());
            }
        }
    }

    /// The loop, turned by hand: a question is answered in the next turn, whether there is a step in it or not.
    @Test
    void turn_answersOneQuestion_runningOrIdle_byTheRequestsName() {
        var inbox = new Inbox(10);
        try (ModelLoading loading = ModelLoading.open(TestSettings.of("quire.batch.sequences", "1"))) {
            var outbox = new Outbox(Duration.ofMinutes(1).toNanos());
            var loop = new EngineLoop(inbox, outbox, new StatsBoard(inbox), loading);
            assertTrue(inbox.offer(sequence(0, loading)));
            assertTrue(inbox.offer(sequence(1, loading)));
            assertTrue(loop.turn());
            CompletionStage<Inspection<CachePage<CacheSequence>>> asked =
                    inbox.commands().ask(() -> loop.inspector().sequences(-1, 10));
            assertFalse(inbox.isEmpty());
            assertTrue(loop.turn());
            CachePage<CacheSequence> page = answer(asked);
            assertEquals(1, page.step());
            assertEquals(
                    List.of(
                            new CacheSequence(0, "cmpl-0", CacheSequence.State.RUNNING, 0, 40, 1, 40, 0, 3),
                            new CacheSequence(1, "cmpl-1", CacheSequence.State.WAITING, 0, 40, 0, 0, 0, 0)),
                    page.items());
            while (loop.turn()) {}
            asked = inbox.commands().ask(() -> loop.inspector().sequences(-1, 10));
            assertFalse(loop.turn());
            assertEquals(List.of(), answer(asked).items());
            assertTrue(inbox.isEmpty());
        }
    }

    private static Sequence sequence(long arrival, ModelLoading loading) {
        var spec = new Sequence.Spec(
                arrival,
                0,
                Requests.prompt(arrival, 40, 300),
                5,
                SamplingParameters.greedy(),
                new BitSet(),
                TokenBuffer.NO_LOGPROBS,
                false,
                "",
                "cmpl-" + arrival);
        return new Sequence(spec, loading.layout());
    }

    @Test
    void closedEngine_saysSo() {
        InferenceEngine engine = Engines.start();
        engine.close();
        assertEquals(new Inspection.Unavailable<>("the server is shutting down", 1), outcome(engine.blocks(0, 1)));
    }

    /// Questions that come while the engine ends are answered, one way or the other.
    @Test
    void closingEngine_leavesNobodyWithoutAnAnswer() throws InterruptedException {
        InferenceEngine engine = Engines.start();
        Thread closing = Thread.ofPlatform().start(engine::close);
        Inspection<CachePage<CacheBlock>> last;
        do {
            last = outcome(engine.blocks(0, 10));
        } while (last instanceof Inspection.Answered<?>);
        assertInstanceOf(Inspection.Unavailable.class, last);
        closing.join();
    }

    @Test
    void startingOrFailedEngine_saysWhy() {
        try (var engine = InferenceEngine.start(TestSettings.of("quire.cache.layout", "heap"))) {
            assertFalse(engine.awaitReady(20_000));
            var refused = assertInstanceOf(Inspection.Unavailable.class, outcome(engine.blocks(0, 1)));
            assertEquals(engine.stats().stateReason(), refused.reason());
        }
    }
}
