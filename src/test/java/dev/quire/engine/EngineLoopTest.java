package dev.quire.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.quire.cache.CorruptStateException;
import dev.quire.sampling.SamplingParameters;
import dev.quire.scheduler.Sequence;
import dev.quire.scheduler.TokenBuffer;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// The step loop, turned by hand on the test's thread.
class EngineLoopTest {
    private final Inbox inbox = new Inbox(100);
    private final Outbox outbox = new Outbox(Duration.ofMinutes(1).toNanos());
    private final StatsBoard stats = new StatsBoard(inbox);
    private ModelLoading loading;
    private EngineLoop loop;

    private void open(String... overrides) {
        loading = ModelLoading.open(TestSettings.of(overrides));
        loading.warmUp();
        loop = new EngineLoop(inbox, outbox, stats, loading);
    }

    @AfterEach
    void close() {
        loading.close();
    }

    private Sequence add(int arrival, int promptTokens, int maxTokens, SamplingParameters sampling) {
        var sequence = sequence(arrival, promptTokens, maxTokens, sampling);
        assertTrue(inbox.offer(sequence));
        return sequence;
    }

    private List<Sequence> addGroup(int[] prompt, int maxTokens, int choices) {
        List<Sequence> group =
                Sequence.group(spec(1, prompt, maxTokens, SamplingParameters.greedy()), choices, loading.layout());
        assertTrue(inbox.offer(group.getFirst()));
        return group;
    }

    private Sequence sequence(int arrival, int promptTokens, int maxTokens, SamplingParameters sampling) {
        return new Sequence(
                spec(arrival, Requests.prompt(arrival, promptTokens, 300), maxTokens, sampling), loading.layout());
    }

    private static Sequence.Spec spec(int arrival, int[] prompt, int maxTokens, SamplingParameters sampling) {
        return new Sequence.Spec(
                arrival, 0, prompt, maxTokens, sampling, new BitSet(), TokenBuffer.NO_LOGPROBS, false, "");
    }

    @Test
    void cancellation_givesBlocksBackWithinOneStep() {
        open("quire.cache.blocks", "300");
        List<Sequence> sequences = new ArrayList<>();
        for (int i = 0; i < 64; i++) {
            sequences.add(add(i, 20, 200, SamplingParameters.greedy()));
        }
        while (loading.scheduler().running() < 64) {
            loop.turn();
        }
        loop.turn();
        int kept = 0;
        for (int i = 0; i < 64; i++) {
            if (i % 2 == 1) {
                inbox.cancel(sequences.get(i));
            }
        }
        loop.turn();
        for (int i = 0; i < 64; i += 2) {
            kept += sequences.get(i).table().blocks();
        }
        assertEquals(kept, loading.pool().inUse());
        assertEquals(32, loading.scheduler().running());
        assertEquals(32, stats.read().cancelled());
        loading.scheduler().checkInvariants();
    }

    @Test
    void cancelledBeforeItEverRan_isEnded_andItsPlaceIsFree() {
        open();
        var sequence = add(1, 5, 5, SamplingParameters.greedy());
        inbox.cancel(sequence);
        assertFalse(loop.turn());
        assertEquals(TokenBuffer.Ending.CANCELLED, sequence.output().ending());
        assertEquals(0, inbox.taken());
    }

    /// A sequence may come in and be cancelled while the engine is at the cancellations: it must know it first.
    @Test
    void cancelledWhileTheInboxIsRead_neverStopsTheLoop() throws InterruptedException {
        open("quire.batch.sequences", "4");
        var sequences = 20_000;
        var client = Thread.ofPlatform().start(() -> {
            for (int i = 0; i < sequences; i++) {
                var sequence = sequence(i, 1, 1, SamplingParameters.greedy());
                while (!inbox.offer(sequence)) {
                    if (Thread.interrupted()) {
                        return; // the loop has stopped
                    }
                    Thread.onSpinWait();
                }
                inbox.cancel(sequence);
            }
        });
        try {
            while (client.isAlive() || !inbox.isEmpty()) {
                loop.turn();
            }
        } finally {
            client.interrupt();
        }
        client.join();
        loop.turn();
        assertEquals(0, inbox.taken());
        assertEquals(sequences, stats.read().cancelled() + stats.read().finished());
    }

    @Test
    void endAll_poolInDoubt_stillAnswersEverybody() {
        open("quire.batch.sequences", "3");
        List<Sequence> sequences = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            sequences.add(add(i, 20, 50, SamplingParameters.greedy()));
        }
        loop.turn();
        loading.pool().release(sequences.get(2).table().block(0));
        inbox.cancel(sequences.get(2));
        assertThrows(CorruptStateException.class, loop::turn);
        sequences.add(add(6, 20, 50, SamplingParameters.greedy()));
        inbox.cancel(sequences.get(1));
        loading.pool().release(sequences.get(1).table().block(0));
        assertThrows(CorruptStateException.class, () -> loop.endAll("the engine has stopped"));
        for (Sequence sequence : sequences) {
            assertNotNull(sequence.output().ending(), "arrival=" + sequence.arrival());
        }
        assertEquals("the engine has stopped", sequences.get(6).output().failure());
    }

    @Test
    void stepThatTheKernelsRefuse_failsItsSequences_andTheLoopGoesOn() {
        open();
        var refused = addGroup(new int[] {999_999}, 3, 1).getFirst();
        assertTrue(loop.turn());
        assertEquals(TokenBuffer.Ending.FAILED, refused.output().ending());
        assertEquals(1, stats.read().failed());
        var next = add(2, 5, 1, SamplingParameters.greedy());
        assertTrue(loop.turn());
        assertEquals(TokenBuffer.Ending.LENGTH, next.output().ending());
        assertFalse(loop.turn());
    }

    @Test
    void group_takesOnePlace_andCountsOnceWithItsLastChoice() {
        open();
        List<Sequence> group = addGroup(Requests.prompt(1, 20, 300), 5, 3);
        assertEquals(1, inbox.taken());
        loop.turn();
        assertEquals(0, inbox.taken());
        inbox.stop(group.get(1));
        loop.turn();
        assertEquals(TokenBuffer.Ending.STOP, group.get(1).output().ending());
        assertEquals(0, stats.read().finished());
        while (loop.turn()) {}
        assertEquals(TokenBuffer.Ending.LENGTH, group.get(2).output().ending());
        assertEquals(1, stats.read().finished());
        assertEquals(0, stats.read().cancelled() + stats.read().failed());
    }

    @Test
    void group_cancelled_countsOnce_waitingOrRunning() {
        open("quire.batch.tokens", "64");
        for (int turns = 0; turns < 4; turns++) {
            long before = stats.read().cancelled();
            List<Sequence> group = addGroup(Requests.prompt(1, 100, 300), 50, 3);
            for (int turn = 0; turn < turns; turn++) {
                loop.turn();
            }
            group.forEach(inbox::cancel);
            assertFalse(loop.turn());
            assertEquals(before + 1, stats.read().cancelled(), "turns=" + turns);
            assertEquals(0, inbox.taken());
            assertEquals(0, loading.pool().inUse());
        }
    }

    /// Choices that nobody wants any more may be any of them, the one that computes the prompt last.
    @Test
    void group_cancelledOneByOne_goesOnUntilTheLast() {
        open("quire.batch.tokens", "64");
        List<Sequence> group = addGroup(Requests.prompt(1, 100, 300), 50, 3);
        inbox.cancel(group.get(2));
        assertTrue(loop.turn());
        inbox.cancel(group.get(1));
        assertTrue(loop.turn());
        assertEquals(1, group.get(0).output().count());
        assertEquals(0, stats.read().cancelled());
        inbox.cancel(group.get(0));
        assertFalse(loop.turn());
        assertEquals(1, stats.read().cancelled());
        assertEquals(0, stats.read().finished());
    }

    @Test
    void group_thatTheKernelsRefuse_failsOnce() {
        open();
        List<Sequence> group = addGroup(new int[] {999_999}, 3, 4);
        assertTrue(loop.turn());
        group.forEach(sequence ->
                assertEquals(TokenBuffer.Ending.FAILED, sequence.output().ending()));
        assertEquals(1, stats.read().failed());
        assertFalse(loop.turn());
    }

    @Test
    void blockThatNobodyHolds_stopsAnIdleEngine() {
        open();
        assertFalse(loop.turn());
        loading.pool().allocate(1, new int[1], 0);
        assertThrows(CorruptStateException.class, loop::turn);
    }

    @Test
    void stats_countWhatAStepDid() {
        open();
        add(1, 20, 3, SamplingParameters.greedy());
        assertTrue(loop.turn());
        EngineStats after = stats.read();
        assertEquals(20, after.promptTokens());
        assertEquals(1, after.generatedTokens());
        assertEquals(2, after.inUse());
        assertEquals(20, after.tokensStored());
        assertEquals(12, after.wasteTokens());
        assertEquals(37.5, after.wastePercent());
        assertEquals(after.blocks(), after.free() + after.inUse());
        assertTrue(loop.turn());
        assertTrue(loop.turn());
        assertFalse(loop.turn());
        assertEquals(3, stats.read().generatedTokens());
        assertEquals(1, stats.read().finished());
        assertEquals(0, stats.read().inUse());
    }

    /// Three choices from a prompt of 20 tokens: one full block and one with four tokens, held by three until the
    /// first writes; then two copies.
    @Test
    void stats_group_showWhatIsSharedAndCopied() {
        open("quire.cache.blocks", "100");
        loop.publishPool(loading);
        Sequence leader = group(1, 20, 10, 3).getFirst();
        assertTrue(inbox.offer(leader));
        assertTrue(loop.turn());
        EngineStats forked = stats.read();
        assertEquals(3, forked.running());
        assertEquals(2, forked.inUse());
        assertEquals(2, forked.sharing().blocks());
        assertEquals(4, forked.sharing().saved());
        assertEquals(0, forked.sharing().copies());
        assertEquals(20, forked.tokensStored());
        assertEquals(60, forked.tokensLogical());
        assertEquals(20, forked.sharing().prefixQueries());

        assertTrue(loop.turn());
        EngineStats copied = stats.read();
        assertEquals(2, copied.sharing().copies());
        assertEquals(1, copied.sharing().blocks());
        assertEquals(2, copied.sharing().saved());
        assertEquals(4, copied.inUse());
        assertEquals(16 + 3 * 5, copied.tokensStored());
        assertEquals(63, copied.tokensLogical());
        while (loop.turn()) {}
        EngineStats idle = stats.read();
        assertEquals(0, idle.sharing().saved());
        assertEquals(0, idle.tokensLogical());
        assertEquals(new EngineStats.Peaks(3, 4, 4, idle.peaks().wasteTokens()), idle.peaks());
        assertTrue(idle.peaks().wasteTokens() >= copied.wasteTokens());
    }

    /// Ten blocks: one sequence has six of them, and the next needs six.
    @Test
    void stats_sayForHowLongBlocksHaveBeenShort() {
        open(
                "quire.cache.blocks",
                "10",
                "quire.cache.watermark",
                "0.1",
                "quire.health.low-watermark",
                "0.5",
                "quire.health.high-watermark",
                "0.6");
        loop.publishPool(loading);
        assertEquals(new EngineStats.Headroom(5, 6, 0, 0, 10, 64), stats.read().headroom());
        Sequence first = add(1, 90, 30, SamplingParameters.greedy());
        assertTrue(loop.turn());
        assertEquals(new EngineStats.Headroom(5, 6, 0, 0, 3, 63), stats.read().headroom());
        add(2, 90, 30, SamplingParameters.greedy());
        assertTrue(loop.turn());
        EngineStats.Headroom headroom = stats.read().headroom();
        assertTrue(headroom.shortSinceNanos() != 0 && System.nanoTime() - headroom.shortSinceNanos() >= 0);
        assertEquals(new EngineStats.Headroom(5, 6, 1, headroom.shortSinceNanos(), 0, 63), headroom);
        assertTrue(loop.turn());
        assertEquals(headroom, stats.read().headroom());
        inbox.cancel(first);
        assertTrue(loop.turn());
        assertEquals(new EngineStats.Headroom(5, 6, 0, 0, 3, 63), stats.read().headroom());
    }

    /// 1,024 tokens are 64 blocks: of three sequences one would fit the pool of 100. What they can reach is 30
    /// tokens each, two blocks.
    @Test
    void stats_showWhatAContiguousLayoutWouldTake() {
        open("quire.cache.blocks", "100");
        loop.publishPool(loading);
        assertEquals(1024, stats.read().modelLength());
        for (int i = 0; i < 3; i++) {
            add(i, 20, 10, SamplingParameters.greedy());
        }
        assertTrue(loop.turn());
        EngineStats running = stats.read();
        EngineStats.Contiguous contiguous = running.contiguous();
        assertEquals(new EngineStats.Reserved(192, 1, 192, 1, 192 * 16 - 60), contiguous.model());
        assertEquals(new EngineStats.Reserved(6, 3, 6, 3, 6 * 16 - 60), contiguous.request());
        assertEquals(36, running.wasteTokens(contiguous.request()));
        while (loop.turn()) {}
        EngineStats.Contiguous idle = stats.read().contiguous();
        assertEquals(new EngineStats.Reserved(0, 0, 192, 1, 192 * 16 - 60), idle.model());
        assertEquals(new EngineStats.Reserved(0, 0, 6, 3, 36), idle.request());
    }

    @Test
    void stats_countEvictionsInATinyPool() {
        open("quire.cache.blocks", "4");
        for (int i = 0; i < 3; i++) {
            add(i, 33, 2, SamplingParameters.greedy()); // three blocks, two of them full
            while (loop.turn()) {}
        }
        // Two blocks stay cached after the first: the second takes one of them, the third two of the three there are.
        assertEquals(3, stats.read().sharing().evictions());
        assertEquals(99, stats.read().sharing().prefixQueries());
        assertEquals(0, stats.read().sharing().prefixHits());
    }

    private List<Sequence> group(int arrival, int promptTokens, int maxTokens, int choices) {
        return Sequence.group(
                new Sequence.Spec(
                        arrival,
                        0,
                        Requests.prompt(arrival, promptTokens, 300),
                        maxTokens,
                        SamplingParameters.greedy(),
                        new BitSet(),
                        TokenBuffer.NO_LOGPROBS,
                        false,
                        ""),
                choices,
                loading.layout());
    }

    @Test
    void stats_partsOfTheThreadsTime_addUpToAllOfIt() {
        open();
        assertFalse(loop.turn());
        EngineStats before = stats.read();
        add(1, 20, 3, SamplingParameters.greedy());
        while (loop.turn()) {}
        EngineStats after = stats.read();
        assertEquals(
                after.lastStepNanos() - before.lastStepNanos(), total(after.stepNanos()) - total(before.stepNanos()));
        assertTrue(after.stepNanos().waiting() > before.stepNanos().waiting());
        assertTrue(after.stepNanos().schedule() > before.stepNanos().schedule());
        assertTrue(after.stepNanos().build() > before.stepNanos().build());
        assertTrue(after.stepNanos().kernels() > before.stepNanos().kernels());
        assertTrue(after.stepNanos().sample() > before.stepNanos().sample());
        assertTrue(after.stepNanos().deliver() > before.stepNanos().deliver());
    }

    private static long total(EngineStats.StepNanos nanos) {
        return nanos.waiting() + nanos.schedule() + nanos.build() + nanos.kernels() + nanos.sample() + nanos.deliver();
    }

    /// The step allocates nothing: 32 sequences decode with every sampling parameter on.
    @Test
    void decodingStep_allocatesNothingOnTheHeap() {
        open("quire.cache.blocks", "2000", "quire.batch.sequences", "32");
        for (int i = 0; i < 32; i++) {
            var sampling = i % 2 == 0
                    ? SamplingParameters.greedy()
                    : new SamplingParameters(0.8f, 0.9f, 50, 0.01f, 0.5f, 0.5f, 1.1f, Map.of(), i);
            add(i, 20, 900, sampling);
        }
        for (int i = 0; i < 300; i++) {
            loop.turn();
        }
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        // The best of six windows: a compilation that ends in one may hand the thread objects that it had done without.
        long least = Long.MAX_VALUE;
        int steps = 90; // six block boundaries of every sequence
        for (int window = 0; window < 6; window++) {
            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < steps; i++) {
                loop.turn();
            }
            least = Math.min(least, threads.getCurrentThreadAllocatedBytes() - before);
        }
        System.out.printf("step loop: %d bytes allocated over %d steps of 32 sequences%n", least, steps);
        assertEquals(0, least);
    }
}
