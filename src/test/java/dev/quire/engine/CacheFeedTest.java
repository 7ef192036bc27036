package dev.quire.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.cache.BlockPool;
import dev.quire.sampling.SamplingParameters;
import dev.quire.scheduler.Sequence;
import dev.quire.scheduler.TokenBuffer;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.helpers.test.AssertSubscriber;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Listeners to the step loop, which is turned by hand on the test's thread.
class CacheFeedTest {
    private static final Duration DEADLINE = Duration.ofSeconds(20);

    private final Inbox inbox = new Inbox(100);
    private final StatsBoard stats = new StatsBoard(inbox);
    private ModelLoading loading;
    private EngineLoop loop;
    private int arrivals;
    private int read;

    @BeforeEach
    void open() {
        loading = ModelLoading.open(TestSettings.of("quire.cache.blocks", "40"));
        loop = new EngineLoop(inbox, new Outbox(Duration.ofMinutes(1).toNanos()), stats, loading);
    }

    @AfterEach
    void close() {
        loading.close();
    }

    private static Multi<CacheEvents> accepted(Inspection<Multi<CacheEvents>> inspection) {
        if (inspection instanceof Inspection.Answered<Multi<CacheEvents>>(var events)) {
            return events;
        }
        throw new AssertionError(inspection.toString());
    }

    /// Subscribed when this returns.
    private AssertSubscriber<CacheEvents> listen(long demand) {
        int before = loop.feed().listeners();
        var subscriber =
                accepted(loop.feed().listen()).subscribe().withSubscriber(AssertSubscriber.<CacheEvents>create(demand));
        subscriber.awaitSubscription(DEADLINE);
        assertEquals(before + 1, loop.feed().listeners());
        return subscriber;
    }

    private Sequence add(int promptTokens, int maxTokens) {
        arrivals++;
        var spec = new Sequence.Spec(
                arrivals,
                0,
                Requests.prompt(arrivals, promptTokens, 300),
                maxTokens,
                SamplingParameters.greedy(),
                new BitSet(),
                TokenBuffer.NO_LOGPROBS,
                false,
                "");
        var sequence = new Sequence(spec, loading.layout());
        assertTrue(inbox.offer(sequence));
        return sequence;
    }

    private void runAll() {
        while (loop.turn()) {}
    }

    /// Events told, one line each; what was missed is a line too.
    private static List<String> lines(List<CacheEvents> batches) {
        List<String> lines = new ArrayList<>();
        for (CacheEvents batch : batches) {
            if (batch.missed() > 0) {
                lines.add(batch.step() + " missed " + batch.missed());
            }
            for (int i = 0; i < batch.count(); i++) {
                lines.add(batch.step() + " " + batch.kind(i) + " " + batch.block(i) + " " + batch.other(i));
            }
        }
        return lines;
    }

    @Test
    void listener_isTold_stepByStep() {
        AssertSubscriber<CacheEvents> listener = listen(Long.MAX_VALUE);
        add(16, 2);
        runAll();
        listener.awaitItems(2, DEADLINE);
        assertEquals(
                List.of("1 ALLOCATED 0 1", "2 ALLOCATED 1 1", "2 RELEASED 1 0", "2 RELEASED 0 0"),
                lines(listener.getItems()));
    }

    @Test
    void cancellation_whileIdle_isToldAtOnce() {
        AssertSubscriber<CacheEvents> listener = listen(Long.MAX_VALUE);
        Sequence sequence = add(5, 30);
        loop.turn();
        inbox.cancel(sequence);
        assertFalse(loop.turn());
        listener.awaitItems(2, DEADLINE);
        assertEquals(List.of("1 ALLOCATED 0 1", "1 RELEASED 0 0"), lines(listener.getItems()));
    }

    @Test
    void withoutListeners_nothingIsRecorded() {
        add(16, 2);
        loop.turn();
        assertEquals(0, loading.pool().log().count());
        AssertSubscriber<CacheEvents> listener = listen(1);
        loop.turn();
        listener.awaitItems(1, DEADLINE);
        assertEquals(List.of("2 ALLOCATED 1 1", "2 RELEASED 1 0", "2 RELEASED 0 0"), lines(listener.getItems()));
        listener.cancel();
        Engines.until(() -> loop.feed().listeners() == 0);
        loop.turn();
        loading.pool().allocate(1, new int[1], 0);
        assertEquals(0, loading.pool().log().count());
    }

    /// One who never reads misses events and is told how many; the other hears all, and the answers are the same.
    @Test
    void slowListener_missesEvents_andNobodyWaitsForIt() {
        AssertSubscriber<CacheEvents> slow = listen(0);
        AssertSubscriber<CacheEvents> quick = listen(Long.MAX_VALUE);
        List<Sequence> sequences = new ArrayList<>();
        for (int i = 0; i < 3 * CacheFeed.LAG; i++) {
            sequences.add(add(3, 1));
            runAll();
            quick.awaitItems(i + 1, DEADLINE);
        }
        for (Sequence sequence : sequences) {
            assertEquals(TokenBuffer.Ending.LENGTH, sequence.output().ending());
        }
        slow.request(Long.MAX_VALUE);
        slow.awaitItems(CacheFeed.LAG, DEADLINE);
        add(3, 1);
        runAll();
        slow.awaitItems(CacheFeed.LAG + 1, DEADLINE);
        quick.awaitItems(3 * CacheFeed.LAG + 1, DEADLINE);
        List<String> all = lines(quick.getItems());
        List<String> heard = lines(slow.getItems());
        assertEquals(2 * (3 * CacheFeed.LAG + 1), all.size());
        assertEquals(all.subList(0, 2 * CacheFeed.LAG), heard.subList(0, 2 * CacheFeed.LAG));
        assertEquals("193 missed " + 2 * 2 * CacheFeed.LAG, heard.get(2 * CacheFeed.LAG));
        assertEquals(all.subList(all.size() - 2, all.size()), heard.subList(heard.size() - 2, heard.size()));
        assertEquals(2 * CacheFeed.LAG + 3, heard.size());
    }

    @Test
    void eventsBeyondTheLogsRoom_areMissed_andTheNextBatchSaysSo() {
        var pool = new BlockPool(20_000, 16);
        var feed = new CacheFeed(pool.log(), stats);
        var listener = accepted(feed.listen())
                .subscribe()
                .withSubscriber(AssertSubscriber.<CacheEvents>create(Long.MAX_VALUE));
        listener.awaitSubscription(DEADLINE);
        feed.begin();
        pool.allocate(20_000, new int[20_000], 0);
        feed.deliver();
        feed.begin();
        pool.release(5);
        feed.deliver();
        listener.awaitItems(2, DEADLINE);
        assertEquals(16_384, listener.getItems().get(0).count());
        assertEquals(0, listener.getItems().get(0).missed());
        assertEquals(
                List.of("0 missed 3616", "0 RELEASED 5 0"),
                lines(List.of(listener.getItems().get(1))));
    }

    /// From what a listener hears alone, it knows at any time who is held how often.
    @Test
    void events_ofManySequences_addUpToThePoolsReferences() {
        AssertSubscriber<CacheEvents> listener = listen(Long.MAX_VALUE);
        var references = new int[40];
        for (int turn = 0; turn < 300; turn++) {
            if (turn % 3 == 0 && turn < 240) {
                add(1 + turn % 50, 1 + turn % 90);
            }
            loop.turn();
            Engines.until(() -> {
                for (; read < listener.getItems().size(); read++) {
                    apply(listener.getItems().get(read), references);
                }
                return Arrays.equals(pool(), references);
            });
        }
        assertTrue(read > 100, () -> "read=" + read);
    }

    private int[] pool() {
        var references = new int[loading.pool().blocks()];
        for (int block = 0; block < references.length; block++) {
            references[block] = loading.pool().refCount(block);
        }
        return references;
    }

    private static void apply(CacheEvents events, int[] references) {
        assertEquals(0, events.missed());
        for (int i = 0; i < events.count(); i++) {
            switch (events.kind(i)) {
                case ALLOCATED, SHARED, SWAPPED_IN -> references[events.block(i)]++;
                case RELEASED, SWAPPED_OUT -> references[events.block(i)]--;
                case COPIED, EVICTED -> {}
                case MOVED -> throw new AssertionError("nothing is compacted here");
            }
        }
    }

    @Test
    void listeners_areBounded_andAPlaceIsFreeAgain() {
        List<AssertSubscriber<CacheEvents>> listeners = new ArrayList<>();
        for (int i = 0; i < CacheFeed.LISTENERS; i++) {
            listeners.add(listen(1));
        }
        assertEquals(new Inspection.Busy<>("listeners", 8, 1), loop.feed().listen());
        listeners.get(3).cancel();
        Engines.until(() -> loop.feed().listeners() == 7);
        listen(1);
        assertEquals(new Inspection.Busy<>("listeners", 8, 1), loop.feed().listen());
    }

    @Test
    void close_endsListeners_thoseThatComeToo() {
        AssertSubscriber<CacheEvents> early = listen(Long.MAX_VALUE);
        loop.feed().close();
        early.awaitCompletion(DEADLINE);
        var late = accepted(loop.feed().listen()).subscribe().withSubscriber(AssertSubscriber.<CacheEvents>create(1));
        late.awaitCompletion(DEADLINE);
        Engines.until(() -> loop.feed().listeners() == 0);
    }
}
