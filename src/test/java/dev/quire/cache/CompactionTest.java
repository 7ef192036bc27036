package dev.quire.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/// Compaction of blocks of 4 tokens, as somebody asks for it in the paged layout.
class CompactionTest {
    private static final CompactionLimits ALL = new CompactionLimits(0, 100);

    private final BlockPool pool = new BlockPool(10, 4, new PrefixIndex(10, 4));
    private final PagedLayout layout = new PagedLayout(pool, new SwapSpace(10));
    private final BlockCopies copies = new BlockCopies(100);
    private final List<SequenceBlocks> tables = new ArrayList<>();

    private SequenceBlocks table(int first, int maxTokens) {
        int[] token = new int[maxTokens];
        Arrays.setAll(token, i -> first + i);
        SequenceBlocks table = layout.sequence(token, maxTokens, "");
        tables.add(table);
        return table;
    }

    private SequenceBlocks holding(int first, int tokens, int maxTokens) {
        SequenceBlocks table = table(first, maxTokens);
        assertEquals(0, table.open(tokens, tokens, 0));
        table.plan(tokens);
        table.append(tokens - table.length());
        return table;
    }

    private static List<Integer> blocks(SequenceBlocks table) {
        List<Integer> blocks = new ArrayList<>();
        for (int i = 0; i < table.blocks(); i++) {
            blocks.add(table.block(i));
        }
        return blocks;
    }

    /// One round, as the scheduler has it done.
    private void round(Compaction compaction) {
        if (compaction.move(copies)) {
            tables.forEach(compaction::rewrite);
            compaction.settle();
        }
        check();
    }

    private void check() {
        layout.checkInvariants();
        int[] held = new int[pool.blocks()];
        for (SequenceBlocks table : tables) {
            table.checkInvariants();
            blocks(table).stream().filter(block -> block >= 0).forEach(block -> held[block]++);
        }
        for (int block = 0; block < held.length; block++) {
            assertEquals(held[block], pool.refCount(block), "references of " + block);
        }
    }

    private Compaction compact(CompactionLimits limits) {
        var compaction = new Compaction(layout, limits);
        for (int rounds = 0; !compaction.done(); rounds++) {
            round(compaction);
            assertTrue(rounds < 20, "a compaction must come to an end");
        }
        return compaction;
    }

    private List<String> copied() {
        List<String> pairs = new ArrayList<>();
        for (int i = 0; i < copies.count(); i++) {
            pairs.add(copies.source(i) + "→" + copies.destination(i));
        }
        return pairs;
    }

    @Test
    void highestThatIsHeld_movesToTheLowestThatIsNot_untilTheyMeet() {
        SequenceBlocks gone = holding(0, 10, 12); // 0 … 2
        SequenceBlocks stays = holding(100, 7, 30); // 3, 4
        SequenceBlocks moves = holding(200, 7, 30); // 5, 6
        gone.release();
        assertEquals(List.of(3, 4), blocks(stays));
        Compaction compaction = compact(ALL);
        // 0 and 1 are cached, 2 is free: nobody holds any of the three
        assertEquals(List.of("6→0", "5→1", "4→2"), copied());
        assertEquals(List.of(3, 2), blocks(stays));
        assertEquals(List.of(1, 0), blocks(moves));
        assertEquals(3, compaction.movedBlocks());
        assertEquals(2, compaction.evictedBlocks());
        assertEquals(0.5, compaction.before());
        assertEquals(0, compaction.after());
        assertEquals(2, pool.evictions());
        assertEquals(3, pool.moves().blocks());
        assertEquals(1, pool.moves().compactions());
        assertEquals(14, pool.tokensInUse());
    }

    /// Before the copies are made and after, as on a real device: what a table reads does not change.
    @Test
    void movedBlock_keepsItsEntry_andWhatComesAfterItInThePrefix() {
        SequenceBlocks gone = holding(100, 4, 8); // 0
        SequenceBlocks moves = holding(200, 12, 16); // 1 … 3
        SequenceBlocks reader = holding(200, 13, 16); // 1 … 3 shared, 4
        gone.release();
        pool.checkInvariants();
        compact(ALL);
        assertEquals(List.of(1, 2, 3), blocks(moves));
        assertEquals(List.of(1, 2, 3, 0), blocks(reader));
        moves.release();
        reader.release();
        assertEquals(12, holding(200, 14, 20).sharedTokens());
    }

    @Test
    void movedPrefix_isFoundWhereItIsNow_withItsChildren() {
        SequenceBlocks gone = holding(100, 12, 12); // 0 … 2
        SequenceBlocks moves = holding(200, 12, 16); // 3 … 5
        gone.release();
        compact(ALL);
        assertEquals(List.of(2, 1, 0), blocks(moves));
        SequenceBlocks reader = holding(200, 13, 16);
        assertEquals(12, reader.sharedTokens());
        assertEquals(List.of(2, 1, 0), blocks(reader).subList(0, 3));
        assertEquals(2, pool.refCount(0));
        moves.release();
        reader.release();
        assertEquals(12, holding(200, 14, 20).sharedTokens()); // cached
        check();
    }

    @Test
    void sharedBlock_movesInEveryTable_partlyFilledOnesToo() {
        SequenceBlocks gone = holding(100, 8, 8); // 0, 1
        SequenceBlocks parent = holding(200, 6, 16); // 2, 3
        SequenceBlocks child = table(200, 16);
        assertEquals(0, parent.fork(child, copies));
        gone.release();
        compact(ALL);
        assertEquals(List.of(1, 0), blocks(parent));
        assertEquals(blocks(parent), blocks(child));
        assertEquals(2, pool.refCount(0));
        assertEquals(2, pool.shared());
        copies.clear();
        assertEquals(0, child.reserve(7, copies));
        assertEquals(0, copies.source(0)); // copied before it is written, from where it is now
    }

    @Test
    void tableThatIsForgotten_stopsTheEngine() {
        SequenceBlocks gone = holding(100, 8, 8);
        SequenceBlocks parent = holding(200, 6, 16);
        SequenceBlocks child = table(200, 16);
        assertEquals(0, parent.fork(child, copies));
        gone.release();
        var compaction = new Compaction(layout, ALL);
        assertTrue(compaction.move(copies));
        compaction.rewrite(parent);
        var e = assertThrows(CorruptStateException.class, compaction::settle);
        assertEquals("every table must know of a move: entries=2, moved=2", e.getMessage());
        var next = assertThrows(IllegalStateException.class, () -> compaction.move(copies));
        assertEquals("the last round must be settled: entries=2", next.getMessage());
    }

    @Test
    void blocksInTransit_stay_bothWays() {
        SequenceBlocks leaves = holding(100, 8, 8); // 0, 1
        SequenceBlocks comes = holding(200, 8, 12); // 2, 3
        SequenceBlocks gone = holding(300, 3, 4); // 4
        SequenceBlocks stays = holding(400, 3, 4); // 5
        assertEquals(2, comes.swapOut());
        layout.transfers().begun(2, 1);
        layout.transfers().done();
        holding(500, 16, 16).release(); // the ones that have left are cached
        assertEquals(0, comes.swapIn(0));
        assertEquals(2, leaves.swapOut());
        gone.release();
        List<Integer> arriving = blocks(comes);
        int inTransit = pool.inTransit();
        compact(ALL);
        assertEquals(4, inTransit);
        assertEquals(4, pool.inTransit());
        assertEquals(arriving, blocks(comes));
        for (int i = 0; i < copies.count(); i++) {
            assertFalse(pool.moving(copies.source(i)) || pool.moving(copies.destination(i)));
        }
        assertTrue(blocks(stays).getFirst() < 5);
    }

    @Test
    void everythingInTransit_movesNothing() {
        SequenceBlocks gone = holding(100, 16, 16);
        SequenceBlocks leaves = holding(200, 8, 12);
        gone.release();
        assertEquals(2, leaves.swapOut());
        assertEquals(0, compact(ALL).movedBlocks());
    }

    @Test
    void nothingHeld_orNothingFree_movesNothing() {
        assertEquals(0, compact(ALL).movedBlocks());
        holding(100, 40, 40);
        assertEquals(0, pool.available());
        Compaction full = compact(ALL);
        assertEquals(0, full.movedBlocks());
        assertEquals(0, full.before());
        assertEquals(0, pool.moves().compactions());
    }

    @Test
    void fragmentationThatIsNotAboveTheThreshold_movesNothing() {
        SequenceBlocks gone = holding(100, 16, 16); // 0 … 3
        holding(200, 3, 4); // 4
        gone.release();
        for (double threshold : new double[] {1 - 5 / 9.0, 0.5, 1}) {
            var compaction = new Compaction(layout, new CompactionLimits(threshold, 10));
            assertTrue(compaction.done());
            assertFalse(compaction.move(copies));
            assertEquals(0, copies.count());
        }
        assertEquals(1, compact(new CompactionLimits(0.4, 10)).movedBlocks());
    }

    @Test
    void eachRound_copiesNoMoreThanItMay_andTheEndComesWhateverIsTakenMeanwhile() {
        SequenceBlocks gone = holding(100, 20, 20); // 0 … 4
        holding(200, 12, 16); // 5 … 7
        gone.release();
        var compaction = new Compaction(layout, new CompactionLimits(0, 1));
        for (int rounds = 1; rounds <= 3; rounds++) {
            copies.clear();
            round(compaction);
            assertEquals(1, copies.count());
            assertFalse(compaction.done());
            holding(300 + 10 * rounds, 2, 4); // takes what was left behind, high up
        }
        round(compaction);
        assertTrue(compaction.done());
        assertEquals(3, compaction.movedBlocks());
        assertEquals(1, pool.moves().compactions());
    }

    @Test
    void copiesThatAreFull_waitForTheNextRound() {
        SequenceBlocks gone = holding(100, 20, 20);
        holding(200, 12, 16);
        gone.release();
        var little = new BlockCopies(2);
        var compaction = new Compaction(layout, ALL);
        for (int moved : new int[] {2, 1}) {
            assertTrue(compaction.move(little));
            tables.forEach(compaction::rewrite);
            compaction.settle();
            assertEquals(moved, little.count());
            little.clear();
        }
        assertTrue(compaction.done());
    }

    @Test
    void limits_mustMakeSense() {
        for (double threshold : new double[] {-0.1, 1.1, Double.NaN}) {
            assertThrows(IllegalArgumentException.class, () -> new CompactionLimits(threshold, 1));
        }
        var e = assertThrows(IllegalArgumentException.class, () -> new CompactionLimits(0.3, 0));
        assertEquals("threshold must be 0 to 1 and copies positive: threshold=0.3, copies=0", e.getMessage());
    }

    /// Tables grow, share, fork and end at random, with a compaction now and then, beside a memory in which each
    /// block's slots hold the tokens that were written there: what a table reads never changes.
    @Test
    void randomOperations_neverChangeWhatATableReads() {
        long moved = 0;
        for (long seed = 1; seed <= 300; seed++) {
            var twin = new ContentTwin(seed);
            for (int i = 0; i < 120; i++) {
                twin.operate();
            }
            moved += twin.pool.moves().blocks();
        }
        assertTrue(moved > 500, "moved=" + moved);
    }

    private static final class ContentTwin {
        private final Random random;
        private final BlockPool pool;
        private final PagedLayout layout;
        private final BlockCopies copies;
        private final int[] memory;
        private final List<SequenceBlocks> tables = new ArrayList<>();
        private final List<int[]> tokens = new ArrayList<>();
        private Compaction compaction;

        ContentTwin(long seed) {
            random = new Random(seed);
            int blocks = 5 + random.nextInt(30);
            pool = new BlockPool(blocks, 4, new PrefixIndex(blocks, 4));
            layout = new PagedLayout(pool);
            copies = new BlockCopies(4 * blocks);
            memory = new int[4 * blocks];
        }

        void operate() {
            switch (random.nextInt(8)) {
                case 0, 1, 2 -> open();
                case 3, 4 -> grow();
                case 5 -> release();
                case 6 -> fork();
                default -> compact();
            }
            layout.checkInvariants();
            for (int i = 0; i < tables.size(); i++) {
                tables.get(i).checkInvariants();
                for (int at = 0; at < tables.get(i).length(); at++) {
                    int slot = tables.get(i).block(at / 4) * 4 + at % 4;
                    assertEquals(tokens.get(i)[at], memory[slot], "position " + at);
                }
            }
        }

        private int[] newTokens() {
            int[] token = new int[40];
            int branch = random.nextInt(25);
            Arrays.setAll(token, at -> 1 + at + (at < branch ? 0 : 1000 * random.nextInt(3)));
            return token;
        }

        private void open() {
            int[] token = newTokens();
            SequenceBlocks table = layout.sequence(token, token.length, "");
            int count = 1 + random.nextInt(24);
            if (table.open(count, count, 0) == 0) {
                table.plan(count);
                write(table, token, count);
                tables.add(table);
                tokens.add(token);
            }
        }

        private void write(SequenceBlocks table, int[] token, int end) {
            for (int at = table.length(); at < end; at++) {
                if (table.slot(at) != SequenceBlocks.NO_SLOT) {
                    memory[(int) table.slot(at)] = token[at];
                }
            }
            table.append(end - table.length());
        }

        private void grow() {
            if (!tables.isEmpty()) {
                int which = random.nextInt(tables.size());
                SequenceBlocks table = tables.get(which);
                int end = Math.min(40, table.length() + 1 + random.nextInt(3));
                if (table.reserve(end, copies) == 0) {
                    carryOut();
                    write(table, tokens.get(which), end);
                }
            }
        }

        private void release() {
            if (!tables.isEmpty()) {
                int which = random.nextInt(tables.size());
                tables.remove(which).release();
                tokens.remove(which);
            }
        }

        private void fork() {
            if (!tables.isEmpty()) {
                int which = random.nextInt(tables.size());
                SequenceBlocks parent = tables.get(which);
                if (parent.blocks() > pool.blocksFor(parent.length())) {
                    return;
                }
                int[] token = tokens.get(which).clone();
                SequenceBlocks child = layout.sequence(token, token.length, "");
                assertEquals(0, parent.fork(child, copies));
                tables.add(child);
                tokens.add(token);
            }
        }

        private void compact() {
            if (compaction == null || compaction.done()) {
                compaction = new Compaction(layout, new CompactionLimits(0, 1 + random.nextInt(4)));
            }
            if (compaction.move(copies)) {
                tables.forEach(compaction::rewrite);
                compaction.settle();
            }
            carryOut();
        }

        private void carryOut() {
            for (int i = 0; i < copies.count(); i++) {
                System.arraycopy(memory, copies.source(i) * 4, memory, copies.destination(i) * 4, 4);
                if (pool.available(copies.source(i)) && !pool.index().contains(copies.source(i))) {
                    Arrays.fill(memory, copies.source(i) * 4, copies.source(i) * 4 + 4, -1); // nobody's any more
                }
            }
            copies.clear();
        }
    }
}
