package dev.quire.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.cache.ContiguousLayout.Reserve;
import dev.quire.cache.RunAllocator.Policy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Room that is made for runs of blocks of 4 tokens, when enough blocks are free but too far apart.
class RunCompactionTest {
    private final BlockCopies copies = new BlockCopies(200);

    private static ContiguousLayout layout(int blocks, Policy policy, double threshold, int copies) {
        return new ContiguousLayout(
                new BlockPool(blocks, 4), policy, Reserve.REQUEST, 1, 0, new CompactionLimits(threshold, copies));
    }

    private static ContiguousLayout estimating(int blocks, double threshold, int copies) {
        return new ContiguousLayout(
                new BlockPool(blocks, 4),
                Policy.FIRST_FIT,
                Reserve.ESTIMATE,
                1,
                0,
                new CompactionLimits(threshold, copies));
    }

    /// One that holds `tokens` tokens and has room for as many.
    private static SequenceBlocks holding(ContiguousLayout layout, int tokens) {
        return holding(layout, tokens, tokens);
    }

    private static SequenceBlocks holding(ContiguousLayout layout, int tokens, int maxTokens) {
        SequenceBlocks run = layout.sequence(new int[maxTokens], maxTokens, "");
        assertEquals(0, run.open(tokens, tokens, 0));
        run.append(tokens);
        return run;
    }

    private static SequenceBlocks sequence(ContiguousLayout layout, int maxTokens) {
        return layout.sequence(new int[maxTokens], maxTokens, "");
    }

    private List<String> copied() {
        List<String> pairs = new ArrayList<>();
        for (int i = 0; i < copies.count(); i++) {
            pairs.add(copies.source(i) + "→" + copies.destination(i));
        }
        copies.clear();
        return pairs;
    }

    /// What a plan does before anything else.
    private List<String> plan(ContiguousLayout layout) {
        layout.makeRoom(copies);
        layout.checkInvariants();
        return copied();
    }

    @Test
    void sequenceThatWaits_hasRoomMadeByTheNextPlan_fromLowIdsUp() {
        ContiguousLayout layout = layout(9, Policy.FIRST_FIT, 0.3, 32);
        SequenceBlocks gone = holding(layout, 12); // 0 … 2
        SequenceBlocks moves = holding(layout, 10); // 3 … 5
        SequenceBlocks waits = sequence(layout, 24); // 6 blocks
        gone.release(); // 3 at the front, 3 at the end
        assertEquals(3, waits.open(24, 24, 0));
        assertEquals(0.5, Fragmentation.of(layout).ratio());
        assertEquals(List.of("3→0", "4→1", "5→2"), plan(layout));
        assertEquals(0, moves.block(0));
        assertEquals(10, moves.length());
        assertEquals(6, layout.longestFree());
        assertEquals(0, waits.open(24, 24, 0));
        assertEquals(3, waits.block(0));
        assertEquals(3, layout.pool().moves().blocks());
        assertEquals(1, layout.pool().moves().compactions());
        assertEquals(1, layout.misses());
        assertEquals(List.of(), plan(layout));
        layout.checkInvariants();
    }

    /// A run slides down by less than its length: each block is copied onto one that has been copied before.
    @Test
    void slidingRun_isCopiedInAscendingOrder() {
        ContiguousLayout layout = layout(8, Policy.FIRST_FIT, 0, 32);
        SequenceBlocks gone = holding(layout, 4); // 0
        holding(layout, 20); // 1 … 5
        gone.release();
        assertEquals(1, sequence(layout, 12).open(12, 12, 0));
        assertEquals(List.of("1→0", "2→1", "3→2", "4→3", "5→4"), plan(layout));
        layout.checkInvariants();
    }

    @Test
    void onlyBlocksThatHoldTokens_areCopied() {
        ContiguousLayout layout = layout(12, Policy.FIRST_FIT, 0, 32);
        SequenceBlocks gone = holding(layout, 16); // 0 … 3
        SequenceBlocks moves = holding(layout, 5, 20); // 4 … 8
        gone.release();
        assertEquals(1, sequence(layout, 20).open(20, 20, 0));
        assertEquals(List.of("4→0", "5→1"), plan(layout));
        assertEquals(5, moves.blocks());
        assertEquals(2, layout.pool().moves().blocks());
        assertEquals(5, layout.pool().tokensInUse());
    }

    @Test
    void eachPlan_copiesNoMoreThanItMay_butOneWholeRun_andGoesOnBelowTheThreshold() {
        ContiguousLayout layout = layout(16, Policy.FIRST_FIT, 0.6, 3);
        SequenceBlocks gone = holding(layout, 8); // 0, 1
        SequenceBlocks large = holding(layout, 20); // 2 … 6
        SequenceBlocks between = holding(layout, 12); // 7 … 9
        SequenceBlocks small = holding(layout, 8); // 10, 11
        SequenceBlocks after = holding(layout, 12); // 12 … 14; 15 is free
        gone.release();
        between.release();
        SequenceBlocks waits = sequence(layout, 24); // 6 blocks, all that are free
        assertEquals(3, waits.open(24, 24, 0));
        assertEquals(0.5, Fragmentation.of(layout).ratio());
        assertEquals(List.of(), plan(layout)); // not above the threshold
        small.release(); // 2 and 5 and 1: 8 free
        SequenceBlocks one = holding(layout, 8); // 0, 1 again
        SequenceBlocks two = holding(layout, 4); // 7
        SequenceBlocks three = holding(layout, 8); // 8, 9
        SequenceBlocks four = holding(layout, 4); // 10; 11 and 15 are free
        one.release();
        three.release(); // 0 1, 8 9, 11, 15: the longest is a third
        assertEquals(4, waits.open(24, 24, 0));
        assertEquals(List.of("2→0", "3→1", "4→2", "5→3", "6→4"), plan(layout)); // a run cannot be torn
        assertEquals(4, waits.open(24, 24, 0));
        assertEquals(List.of("7→5", "10→6"), plan(layout)); // 5 of 6 free: below the threshold by now
        assertEquals(1, waits.open(24, 24, 0));
        assertEquals(List.of("12→7", "13→8", "14→9"), plan(layout));
        assertEquals(0, waits.open(24, 24, 0));
        assertEquals(1, layout.pool().moves().compactions());
        assertEquals(10, layout.pool().moves().blocks());
        assertEquals(List.of(0, 5, 6, 7), List.of(large.block(0), two.block(0), four.block(0), after.block(0)));
        layout.checkInvariants();
    }

    @Test
    void nobodyWaitsAnyMore_endsIt() {
        ContiguousLayout layout = layout(9, Policy.FIRST_FIT, 0, 32);
        SequenceBlocks gone = holding(layout, 12);
        holding(layout, 12);
        gone.release();
        assertEquals(3, sequence(layout, 24).open(24, 24, 0)); // it is cancelled; but the plan does not know
        assertEquals(3, plan(layout).size());
        assertEquals(List.of(), plan(layout));
    }

    @Test
    void blocksThatAreMissing_moveNothing() {
        ContiguousLayout layout = layout(9, Policy.FIRST_FIT, 0, 32);
        SequenceBlocks gone = holding(layout, 12);
        holding(layout, 12);
        gone.release();
        assertEquals(1, sequence(layout, 28).open(28, 28, 0)); // 7 of 6 free
        assertEquals(List.of(), plan(layout));
        assertEquals(2, sequence(layout, 24).open(24, 24, 2)); // and 2 to spare
        assertEquals(List.of(), plan(layout));
        assertEquals(0, layout.misses());
    }

    @Test
    void thresholdOfOne_neverMovesAnything() {
        ContiguousLayout layout = estimating(9, 1, 32);
        SequenceBlocks gone = holding(layout, 12);
        SequenceBlocks grows = holding(layout, 12, 36);
        gone.release();
        assertEquals(3, sequence(layout, 24).open(24, 24, 0));
        assertEquals(List.of(), plan(layout));
        assertEquals(3, grows.reserve(24, copies));
        assertEquals(0, copies.count());
        assertEquals(2, layout.misses());
        assertEquals(1, layout.outgrown());
        assertEquals(0, layout.relocations());
    }

    /// Who runs is not made to wait: all that it takes is copied at once.
    @Test
    void sequenceThatOutgrowsItsRun_hasRoomMadeAtOnce() {
        ContiguousLayout layout = estimating(12, 0.3, 1);
        SequenceBlocks gone = holding(layout, 12); // 0 … 2
        SequenceBlocks grows = holding(layout, 12, 48); // 3 … 5
        SequenceBlocks other = holding(layout, 8, 8); // 6, 7; 8 … 11 are free
        gone.release();
        assertEquals(0, grows.reserve(28, copies)); // 7 blocks of 7
        assertEquals(List.of("3→0", "4→1", "5→2", "6→3", "7→4", "0→5", "1→6", "2→7"), copied());
        assertEquals(5, grows.block(0));
        assertEquals(7, grows.blocks());
        assertEquals(3, other.block(0));
        assertEquals(1, layout.relocations());
        assertEquals(0, layout.outgrown());
        assertEquals(0, layout.misses());
        layout.checkInvariants();
        grows.checkInvariants();
    }

    /// It finds no run even so: once counted, until it has one or gives up.
    @Test
    void sequenceThatOutgrowsItsRun_andFindsNone_isCountedOnce() {
        ContiguousLayout layout = estimating(6, 0, 32);
        SequenceBlocks grows = holding(layout, 8, 48);
        SequenceBlocks other = holding(layout, 8, 8);
        for (int i = 0; i < 3; i++) {
            assertEquals(1, grows.reserve(12, copies));
        }
        assertEquals(1, layout.outgrown());
        assertEquals(0, layout.misses()); // there are 2 blocks only
        other.release();
        assertEquals(0, grows.reserve(12, copies));
        assertEquals(1, layout.relocations());
        assertEquals(4, grows.reserve(24, copies));
        assertEquals(2, layout.outgrown());
    }

    @Test
    void copiesThatAreFull_leaveARunWhereItIs() {
        ContiguousLayout layout = estimating(12, 0, 32);
        SequenceBlocks grows = holding(layout, 12, 48);
        var few = new BlockCopies(2);
        assertEquals(1, grows.reserve(16, few));
        assertEquals(0, few.count());
        assertEquals(3, grows.blocks());
        layout.checkInvariants();
    }

    @Test
    void fork_hasRoomMade_withinWhatAStepMayCopy() {
        ContiguousLayout layout = estimating(12, 0, 3);
        SequenceBlocks gone = holding(layout, 8); // 0, 1
        SequenceBlocks parent = holding(layout, 12, 20); // 2 … 4
        SequenceBlocks stays = holding(layout, 20, 20); // 5 … 9
        SequenceBlocks child = sequence(layout, 20);
        gone.release(); // 0, 1 and 10, 11
        assertEquals(1, parent.fork(child, copies)); // one run of 3 is moved, and a step may copy no more
        assertEquals(List.of("2→0", "3→1", "4→2"), copied());
        assertEquals(0, child.blocks());
        assertEquals(1, layout.misses());
        assertEquals(1, parent.fork(child, copies));
        assertEquals(List.of(), copied());
        plan(layout);
        assertEquals(0, parent.fork(child, copies));
        assertEquals(List.of("5→3", "6→4", "7→5", "8→6", "9→7", "0→8", "1→9", "2→10"), copied());
        assertEquals(3, stays.block(0));
        layout.checkInvariants();
    }

    /// 1, 2 and 1 blocks of 8, two apart: buddies take aligned places, and one pass is enough.
    @Test
    void buddies_moveToAlignedPlaces() {
        ContiguousLayout layout = layout(8, Policy.BUDDY, 0, 32);
        SequenceBlocks[] runs = new SequenceBlocks[8];
        for (int i = 0; i < 8; i++) {
            runs[i] = holding(layout, 4);
        }
        for (int gone : new int[] {1, 2, 3, 4, 6, 7}) {
            runs[gone].release();
        }
        SequenceBlocks two = holding(layout, 8); // 2 and 3, or 6 and 7; 0 and 5 are taken
        assertEquals(2, sequence(layout, 16).open(16, 16, 0));
        plan(layout);
        assertEquals(List.of(0, 1), List.of(runs[0].block(0), runs[5].block(0)));
        assertEquals(2, two.block(0));
        assertEquals(4, layout.longestFree());
        assertEquals(0, sequence(layout, 16).open(16, 16, 0));
        layout.checkInvariants();
    }

    /// A pool of 6 is one run of 4 and one of 2, which nothing can merge: what cannot help ends by itself.
    @Test
    void buddiesThatCannotMerge_areMovedOnceAndThenLeft() {
        ContiguousLayout layout = layout(6, Policy.BUDDY, 0, 32);
        SequenceBlocks gone = holding(layout, 8);
        SequenceBlocks stays = holding(layout, 4);
        gone.release();
        SequenceBlocks waits = sequence(layout, 16);
        for (int plans = 0; plans < 5; plans++) {
            assertTrue(waits.open(16, 16, 0) > 0);
            plan(layout);
        }
        assertTrue(layout.pool().moves().blocks() <= 1);
        stays.release();
        assertEquals(0, waits.open(16, 16, 0));
    }

    @ParameterizedTest
    @EnumSource(Policy.class)
    void asked_lowersAllThatItCan_inRounds(Policy policy) {
        ContiguousLayout layout = layout(32, policy, 0.1, 4);
        List<SequenceBlocks> runs = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            runs.add(holding(layout, 8));
        }
        for (int i = 0; i < 16; i += 2) {
            runs.get(i).release();
        }
        var compaction = new Compaction(layout, new CompactionLimits(0.1, 4));
        int rounds = 0;
        while (!compaction.done()) {
            assertFalse(compaction.move(copies)); // no tables: runs know it themselves
            layout.checkInvariants();
            assertTrue(copied().size() <= 4);
            assertTrue(++rounds < 20);
        }
        assertEquals(16, layout.longestFree());
        assertEquals(14 / 16.0, compaction.before());
        assertEquals(0, compaction.after());
        assertEquals(layout.pool().moves().blocks(), compaction.movedBlocks());
        assertEquals(0, compaction.evictedBlocks());
    }

    @ParameterizedTest
    @EnumSource(Policy.class)
    void nothingHeld_movesNothing(Policy policy) {
        ContiguousLayout layout = layout(7, policy, 0, 4);
        var compaction = new Compaction(layout, new CompactionLimits(0, 4));
        while (!compaction.done()) {
            compaction.move(copies);
        }
        assertEquals(0, copies.count());
    }

    /// Runs start, grow, fork and end at random beside a memory: what a run reads never changes, and in a pool of a
    /// power of two blocks who waits for as many as are free has them after a few plans.
    @ParameterizedTest
    @EnumSource(Policy.class)
    void randomOperations_neverChangeWhatARunReads_andMakeRoom(Policy policy) {
        long moved = 0;
        for (long seed = 1; seed <= 300; seed++) {
            var twin = new ContentTwin(policy, seed);
            for (int i = 0; i < 100; i++) {
                twin.operate();
            }
            moved += twin.layout.pool().moves().blocks();
        }
        assertTrue(moved > 500, "moved=" + moved);
    }

    private static final class ContentTwin {
        private final Random random;
        private final ContiguousLayout layout;
        private final BlockCopies copies;
        private final long[] memory;
        private final List<SequenceBlocks> runs = new ArrayList<>();
        private final List<Long> names = new ArrayList<>();
        private long lastName;

        ContentTwin(Policy policy, long seed) {
            random = new Random(seed);
            int blocks = 1 << 3 + random.nextInt(3);
            layout = new ContiguousLayout(
                    new BlockPool(blocks, 4),
                    policy,
                    random.nextBoolean() ? Reserve.REQUEST : Reserve.ESTIMATE,
                    1,
                    random.nextInt(5),
                    new CompactionLimits(0, 1 + random.nextInt(6)));
            copies = new BlockCopies(layout.mostCopies(1));
            memory = new long[4 * blocks];
        }

        void operate() {
            layout.makeRoom(copies);
            carryOut();
            check();
            switch (random.nextInt(6)) {
                case 0, 1, 2 -> open();
                case 3 -> grow();
                case 4 -> fork();
                default -> release();
            }
            carryOut();
            check();
        }

        private void check() {
            layout.checkInvariants();
            for (int i = 0; i < runs.size(); i++) {
                runs.get(i).checkInvariants();
                for (int at = 0; at < runs.get(i).length(); at++) {
                    assertEquals(names.get(i) + at, memory[(int) runs.get(i).slot(at)], "position " + at);
                }
            }
        }

        private void open() {
            int most = 1 + random.nextInt(memory.length / 2);
            SequenceBlocks run = layout.sequence(new int[most], most, "");
            int tokens = 1 + random.nextInt(most);
            boolean opened = run.open(tokens, tokens, 0) == 0;
            int needed = layout.rounded(layout.reservation(tokens, most));
            for (int plans = 0; !opened && needed <= layout.pool().available(); plans++) {
                layout.makeRoom(copies);
                carryOut();
                check();
                opened = run.open(tokens, tokens, 0) == 0;
                assertTrue(plans <= runs.size(), "room must be made: needed=" + needed);
            }
            if (opened) {
                add(run, lastName += 1_000);
                write(run, runs.size() - 1, tokens);
            }
        }

        private void add(SequenceBlocks run, long name) {
            runs.add(run);
            names.add(name);
        }

        private void write(SequenceBlocks run, int which, int tokens) {
            for (int at = run.length(); at < tokens; at++) {
                memory[(int) run.slot(at)] = names.get(which) + at;
            }
            run.append(tokens - run.length());
        }

        private void grow() {
            if (!runs.isEmpty()) {
                int which = random.nextInt(runs.size());
                var run = (BlockRun) runs.get(which);
                int tokens = Math.min(run.maxTokens(), run.length() + 1 + random.nextInt(9));
                if (run.reserve(tokens, copies) == 0) {
                    carryOut();
                    write(run, which, tokens);
                }
            }
        }

        private void fork() {
            if (!runs.isEmpty()) {
                int which = random.nextInt(runs.size());
                var parent = (BlockRun) runs.get(which);
                SequenceBlocks child = layout.sequence(new int[parent.maxTokens()], parent.maxTokens(), "");
                if (parent.fork(child, copies) == 0) {
                    add(child, names.get(which));
                }
            }
        }

        private void release() {
            if (!runs.isEmpty()) {
                int which = random.nextInt(runs.size());
                runs.remove(which).release();
                names.remove(which);
            }
        }

        private void carryOut() {
            for (int i = 0; i < copies.count(); i++) {
                System.arraycopy(memory, copies.source(i) * 4, memory, copies.destination(i) * 4, 4);
            }
            copies.clear();
            for (int block = 0; block < layout.pool().blocks(); block++) {
                if (layout.pool().available(block)) {
                    Arrays.fill(memory, block * 4, block * 4 + 4, -1);
                }
            }
        }
    }
}
