package dev.quire.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.quire.cache.ContiguousLayout.Reserve;
import dev.quire.cache.RunAllocator.Policy;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Runs of adjacent blocks of 16 tokens: what they reserve, how they grow and fork, what is refused.
class ContiguousLayoutTest {
    private static final int CONTEXT = 400;

    private final BlockCopies copies = new BlockCopies(20);

    private static ContiguousLayout layout(int blocks, Policy policy, Reserve reserve, int estimate) {
        return new ContiguousLayout(new BlockPool(blocks, 16), policy, reserve, CONTEXT, estimate);
    }

    private static ContiguousLayout estimating(int blocks) {
        return layout(blocks, Policy.FIRST_FIT, Reserve.ESTIMATE, 16);
    }

    private static SequenceBlocks sequence(ContiguousLayout layout, int maxTokens) {
        return layout.sequence(new int[maxTokens], maxTokens, "");
    }

    /// One that holds `tokens` tokens.
    private static SequenceBlocks holding(ContiguousLayout layout, int tokens, int maxTokens) {
        SequenceBlocks run = sequence(layout, maxTokens);
        assertEquals(0, run.open(tokens, tokens, 0));
        run.plan(tokens);
        run.append(tokens);
        return run;
    }

    private List<String> copied() {
        List<String> pairs = new ArrayList<>();
        for (int i = 0; i < copies.count(); i++) {
            pairs.add(copies.source(i) + "→" + copies.destination(i));
        }
        return pairs;
    }

    private static void check(ContiguousLayout layout, SequenceBlocks... runs) {
        layout.checkInvariants();
        for (SequenceBlocks run : runs) {
            run.checkInvariants();
        }
        assertEquals(
                IntStream.range(0, runs.length).map(i -> runs[i].blocks()).sum(),
                layout.pool().inUse());
        assertEquals(
                IntStream.range(0, runs.length).map(i -> runs[i].length()).sum(),
                layout.pool().tokensInUse());
    }

    /// A prompt of 50 tokens that may get 100 long, where the model allows 400 and 20 more are expected.
    @ParameterizedTest
    @CsvSource({
        "FIRST_FIT, MODEL, 25, 25",
        "BEST_FIT, REQUEST, 7, 7",
        "FIRST_FIT, ESTIMATE, 5, 7",
        "BUDDY, MODEL, 32, 32",
        "BUDDY, REQUEST, 8, 8",
        "BUDDY, ESTIMATE, 8, 8"
    })
    void open_reservesByThePolicy(Policy policy, Reserve reserve, int blocks, int most) {
        ContiguousLayout layout = layout(64, policy, reserve, 20);
        SequenceBlocks run = holding(layout, 50, 100);
        assertEquals(blocks, run.blocks());
        assertEquals(blocks * 16, run.capacity());
        assertEquals(50, run.length());
        assertEquals(0, run.sharedTokens());
        for (int i = 0; i < blocks; i++) {
            assertEquals(run.block(0) + i, run.block(i));
        }
        assertEquals(run.block(0) * 16L + 49, run.slot(49));
        assertEquals(most, layout.mostBlocks(100));
        assertEquals(blocks, layout.forkBlocks(50, 100));
        check(layout, run);
        run.release();
        run.release();
        check(layout);
        assertEquals(64, layout.longestFree());
    }

    @Test
    void mostTokens_areThoseOfTheLongestRun() {
        assertEquals(50 * 16, layout(50, Policy.FIRST_FIT, Reserve.REQUEST, 0).mostTokens());
        assertEquals(32 * 16, layout(50, Policy.BUDDY, Reserve.REQUEST, 0).mostTokens());
    }

    @Test
    void estimate_neverExceedsTheRequest_howeverLarge() {
        ContiguousLayout layout = layout(64, Policy.FIRST_FIT, Reserve.ESTIMATE, Integer.MAX_VALUE);
        assertEquals(7, holding(layout, 50, 100).blocks());
        assertEquals(7, layout.mostBlocks(100));
    }

    @Test
    void runThatIsOutgrown_isCopiedToOneOfTwiceTheSize() {
        ContiguousLayout layout = estimating(20);
        SequenceBlocks run = holding(layout, 30, 300); // blocks 0 … 2
        SequenceBlocks behind = holding(layout, 16, 100); // blocks 3, 4
        assertEquals(0, run.reserve(48, copies));
        assertEquals(0, copies.count());
        run.append(10);
        assertEquals(0, run.reserve(49, copies));
        assertEquals(6, run.blocks());
        assertEquals(5, run.block(0));
        assertEquals(List.of("0→5", "1→6", "2→7"), copied());
        assertEquals(1, layout.relocations());
        run.append(9);
        assertEquals(12, layout.pool().free());
        check(layout, run, behind);
    }

    @Test
    void relocation_copiesOnlyWhatHoldsTokens() {
        ContiguousLayout layout = estimating(20);
        SequenceBlocks run = holding(layout, 10, 300);
        assertEquals(2, run.blocks());
        assertEquals(0, run.reserve(100, copies));
        assertEquals(7, run.blocks());
        assertEquals(List.of("0→2"), copied());
        check(layout, run);
    }

    @Test
    void relocation_takesWhatIsNeeded_whereTwiceTheSizeCannotBeHad() {
        ContiguousLayout layout = estimating(11);
        SequenceBlocks run = holding(layout, 64, 300);
        assertEquals(5, run.blocks());
        assertEquals(0, run.reserve(96, copies));
        assertEquals(6, run.blocks());
        assertEquals(5, run.block(0));
        check(layout, run);
    }

    @Test
    void runNotToBeHad_isRefused_andChangesNothing() {
        ContiguousLayout layout = estimating(8);
        SequenceBlocks run = holding(layout, 30, 120); // blocks 0 … 2
        SequenceBlocks other = holding(layout, 30, 120); // blocks 3 … 5
        assertEquals(2, run.reserve(64, copies)); // 2 adjacent ones are free
        assertEquals(3, run.blocks());
        assertEquals(0, run.block(0));
        assertEquals(0, copies.count());
        assertEquals(0, layout.relocations());
        check(layout, run, other);

        SequenceBlocks third = sequence(layout, 120);
        assertEquals(1, third.open(30, 30, 0));
        assertEquals(0, third.blocks());
        assertEquals(1, run.fork(third, copies));
        assertEquals(0, third.blocks());
        assertEquals(0, copies.count());
        check(layout, run, other);
    }

    /// Room enough, but not in one piece: external fragmentation.
    @Test
    void freeBlocksInPieces_areNoRun() {
        ContiguousLayout layout = layout(9, Policy.FIRST_FIT, Reserve.REQUEST, 0);
        SequenceBlocks[] runs = {holding(layout, 48, 48), holding(layout, 48, 48), holding(layout, 48, 48)};
        runs[0].release();
        runs[2].release();
        assertEquals(6, layout.pool().free());
        assertEquals(3, layout.longestFree());
        SequenceBlocks run = sequence(layout, 64);
        assertEquals(1, run.open(64, 64, 0));
        check(layout, runs[1]);
    }

    @Test
    void open_leavesWhatIsToBeSpared_afterRounding() {
        ContiguousLayout layout = layout(8, Policy.BUDDY, Reserve.REQUEST, 0);
        SequenceBlocks run = sequence(layout, 80); // 5 blocks, rounded to 8
        assertEquals(3, run.open(80, 80, 3));
        assertEquals(Integer.MAX_VALUE, run.open(80, 80, Integer.MAX_VALUE));
        check(layout);
        assertEquals(0, run.open(80, 80, 0));
        assertEquals(8, layout.pool().inUse());
    }

    @Test
    void fork_copiesWhatHoldsTokens_andLivesOnAlone() {
        ContiguousLayout layout = estimating(20);
        SequenceBlocks leader = holding(layout, 40, 200);
        SequenceBlocks child = sequence(layout, 200);
        assertEquals(0, leader.fork(child, copies));
        assertEquals(4, child.blocks());
        assertEquals(40, child.length());
        assertEquals(List.of("0→4", "1→5", "2→6"), copied());
        check(layout, leader, child);
        leader.release(); // before the copies are made
        check(layout, child);
        assertEquals(40, child.length());
    }

    /// Beams that begin again take their runs together, and get what they have in common later.
    @Test
    void fork_toARunThatWasOpened_copiesThere() {
        ContiguousLayout layout = estimating(20);
        SequenceBlocks trunk = holding(layout, 40, 200);
        SequenceBlocks child = sequence(layout, 200);
        assertEquals(0, child.open(70, 70, 0));
        assertEquals(6, child.blocks());
        assertEquals(0, trunk.fork(child, 70, copies));
        assertEquals(6, child.blocks());
        assertEquals(40, child.length());
        assertEquals(List.of("0→4", "1→5", "2→6"), copied());
        SequenceBlocks narrow = sequence(layout, 200);
        assertEquals(0, narrow.open(1, 1, 0));
        assertThrows(IllegalStateException.class, () -> trunk.fork(narrow, 70, copies));
        SequenceBlocks wide = sequence(layout, 200);
        narrow.release();
        assertEquals(0, trunk.fork(wide, 70, copies));
        assertEquals(6, wide.blocks(), "room for 70 and an estimate of 20");
        check(layout, trunk, child, wide);
    }

    /// Choices that end with their first token: each had the same run for a moment.
    @Test
    void forks_thatFillTheRoomForCopies_areRefused() {
        ContiguousLayout layout = estimating(20);
        SequenceBlocks leader = holding(layout, 100, 200); // 7 blocks
        for (int i = 0; i < 2; i++) {
            SequenceBlocks child = sequence(layout, 200);
            assertEquals(0, leader.fork(child, copies));
            child.release();
        }
        SequenceBlocks child = sequence(layout, 200);
        assertEquals(14, copies.count());
        assertEquals(1, leader.fork(child, copies));
        assertEquals(14, copies.count());
        assertEquals(0, child.blocks());
        check(layout, leader);
    }

    @Test
    void brokenContracts_areRefused_andChangeNothing() {
        ContiguousLayout layout = estimating(20);
        SequenceBlocks run = holding(layout, 30, 100);
        var append = assertThrows(IllegalStateException.class, () -> run.append(19));
        assertEquals("append must fit the reserved blocks: tokens=19, length=30, capacity=48", append.getMessage());
        assertThrows(IllegalStateException.class, () -> run.append(-1));
        var slot = assertThrows(IllegalArgumentException.class, () -> run.slot(48));
        assertEquals("position must lie in a reserved block: position=48, capacity=48", slot.getMessage());
        assertThrows(IllegalArgumentException.class, () -> run.slot(-1));
        var block = assertThrows(IllegalArgumentException.class, () -> run.block(3));
        assertEquals("index must be below blocks: index=3, blocks=3", block.getMessage());
        var opened = assertThrows(IllegalStateException.class, () -> run.open(30, 30, 0));
        assertEquals("run must be empty: blocks=3", opened.getMessage());
        var tooLong = assertThrows(IllegalArgumentException.class, () -> run.reserve(101, copies));
        assertEquals("tokens must fit the run: tokens=101, maxTokens=100", tooLong.getMessage());
        var fork = assertThrows(IllegalStateException.class, () -> run.fork(run, copies));
        assertEquals(
                "fork must go to an empty run of the same layout that has room: length=30, child.blocks=3",
                fork.getMessage());
        assertThrows(IllegalStateException.class, () -> run.fork(sequence(layout, 29), copies));
        assertThrows(IllegalStateException.class, () -> run.fork(sequence(estimating(20), 100), copies));
        assertThrows(IllegalArgumentException.class, () -> sequence(layout, 0));
        assertThrows(IllegalArgumentException.class, () -> sequence(layout, 9).open(1, 1, -1));
        assertEquals(0, copies.count());
        check(layout, run);
    }

    @Test
    void layout_ofAPoolThatIsUsedOrIndexed_isRefused() {
        var used = new BlockPool(4, 16);
        used.allocate(1, new int[1], 0);
        var e = assertThrows(
                IllegalArgumentException.class,
                () -> new ContiguousLayout(used, Policy.FIRST_FIT, Reserve.MODEL, 10, 0));
        assertEquals("pool must be free and without an index: free=3, blocks=4, index=false", e.getMessage());
        var indexed = new BlockPool(4, 16, new PrefixIndex(4, 16));
        assertThrows(
                IllegalArgumentException.class,
                () -> new ContiguousLayout(indexed, Policy.FIRST_FIT, Reserve.MODEL, 10, 0));
        var pool = new BlockPool(4, 16);
        assertThrows(
                IllegalArgumentException.class,
                () -> new ContiguousLayout(pool, Policy.FIRST_FIT, Reserve.MODEL, 0, 0));
        assertThrows(
                IllegalArgumentException.class,
                () -> new ContiguousLayout(pool, Policy.FIRST_FIT, Reserve.MODEL, 10, -1));
    }

    @Test
    void runs_areNeverSwapped() {
        ContiguousLayout layout = estimating(20);
        SequenceBlocks run = holding(layout, 30, 100);
        assertEquals(0, run.swapOut());
        assertEquals(0, run.movable());
        assertFalse(run.swapped());
        check(layout, run);
    }
}
