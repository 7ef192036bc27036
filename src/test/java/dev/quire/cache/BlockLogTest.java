package dev.quire.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.quire.cache.BlockLog.Kind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class BlockLogTest {
    private static List<String> read(BlockLog log) {
        List<String> events = new ArrayList<>();
        for (int i = 0; i < log.count(); i++) {
            events.add(log.kind(i) + " " + log.block(i) + " " + log.other(i));
        }
        log.clear();
        return events;
    }

    @Test
    void log_off_writesNothing() {
        var log = new BlockLog();
        log.add(Kind.RELEASED, 1, 0);
        log.moved(1, 2);
        assertFalse(log.on());
        assertEquals(0, log.count());
        assertEquals(0, log.dropped());
    }

    @Test
    void log_on_keepsTheOrder() {
        var log = new BlockLog();
        log.record(true);
        log.add(Kind.ALLOCATED, 3, 1);
        log.moved(3, 1);
        assertEquals(List.of("ALLOCATED 3 1", "MOVED 3 1"), read(log));
        assertEquals(0, log.count());
    }

    @Test
    void log_full_countsWhatItDrops_andKeepsWhatCameFirst() {
        var log = new BlockLog(2);
        log.record(true);
        for (int i = 0; i < 5; i++) {
            log.add(Kind.ALLOCATED, i, 1);
        }
        assertEquals(3, log.dropped());
        assertEquals(List.of("ALLOCATED 0 1", "ALLOCATED 1 1"), read(log));
        assertEquals(0, log.dropped());
        log.add(Kind.ALLOCATED, 9, 1);
        assertEquals(List.of("ALLOCATED 9 1"), read(log));
    }

    @Test
    void record_again_changesNothing_andOffForgets() {
        var log = new BlockLog();
        log.record(true);
        log.add(Kind.ALLOCATED, 0, 1);
        log.record(true);
        assertEquals(1, log.count());
        log.record(false);
        assertEquals(0, log.count());
        log.record(true);
        assertEquals(0, log.count());
    }

    @Test
    void event_thatIsNotThere_isRefused() {
        var log = new BlockLog();
        log.record(true);
        log.add(Kind.ALLOCATED, 0, 1);
        var e = assertThrows(IllegalArgumentException.class, () -> log.kind(1));
        assertEquals("index must be below count: index=1, count=1", e.getMessage());
        assertThrows(IllegalArgumentException.class, () -> log.block(-1));
    }

    /// One life of a few blocks, event for event.
    @Test
    void tables_tellWhatBecomesOfTheirBlocks() {
        var pool = new BlockPool(3, 4, new PrefixIndex(3, 4));
        var layout = new PagedLayout(pool, new SwapSpace(2));
        var copies = new BlockCopies(4);
        pool.log().record(true);
        var table = (BlockTable) layout.sequence(tokens(0), 12, "");
        table.open(6, 6, 0);
        table.plan(6);
        table.append(6);
        assertEquals(List.of("ALLOCATED 0 1", "ALLOCATED 1 1"), read(pool.log()));

        var fork = (BlockTable) layout.sequence(tokens(0), 12, "");
        table.fork(fork);
        assertEquals(List.of("SHARED 0 2", "SHARED 1 2"), read(pool.log()));
        fork.reserve(7, copies);
        assertEquals(List.of("ALLOCATED 2 1", "COPIED 1 2", "RELEASED 1 1"), read(pool.log()));
        fork.release();
        assertEquals(List.of("RELEASED 2 0", "RELEASED 0 1"), read(pool.log()));

        table.swapOut();
        assertEquals(List.of("SWAPPED_OUT 1 0", "SWAPPED_OUT 0 1"), read(pool.log()));
        layout.transfers().begun(2, 1);
        layout.transfers().done();
        assertEquals(List.of(), read(pool.log()));
        table.swapIn(0);
        assertEquals(List.of("SWAPPED_IN 1 1", "SWAPPED_IN 2 0"), read(pool.log()));
        table.release();
        assertEquals(List.of("RELEASED 2 0", "RELEASED 1 0"), read(pool.log()));
    }

    @Test
    void cachedBlock_isEvictedBeforeItIsTaken_andSharedWhenItIsFound() {
        var pool = new BlockPool(1, 4, new PrefixIndex(1, 4));
        computed(pool, 0).release();
        pool.log().record(true);
        computed(pool, 0).release();
        assertEquals(List.of("SHARED 0 1", "RELEASED 0 0"), read(pool.log()));
        computed(pool, 50).release();
        assertEquals(List.of("EVICTED 0 0", "ALLOCATED 0 1", "RELEASED 0 0"), read(pool.log()));
    }

    private static BlockTable computed(BlockPool pool, int first) {
        var table = new BlockTable(pool, tokens(first), "");
        table.open(4, 4, 0);
        table.plan(4);
        table.append(4 - table.length());
        return table;
    }

    private static int[] tokens(int first) {
        int[] token = new int[12];
        Arrays.setAll(token, i -> first + i);
        return token;
    }

    @Test
    void run_thatGrows_isAllocatedAnew_copiedAndReleased() {
        var pool = new BlockPool(8, 4);
        var layout =
                new ContiguousLayout(pool, RunAllocator.Policy.FIRST_FIT, ContiguousLayout.Reserve.ESTIMATE, 32, 0);
        pool.log().record(true);
        SequenceBlocks run = layout.sequence(tokens(0), 12, "");
        run.open(4, 4, 0);
        run.append(4);
        read(pool.log());
        run.reserve(5, new BlockCopies(16));
        assertEquals(List.of("ALLOCATED 1 1", "ALLOCATED 2 1", "COPIED 0 1", "RELEASED 0 0"), read(pool.log()));
    }
}
