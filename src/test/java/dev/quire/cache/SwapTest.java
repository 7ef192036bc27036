package dev.quire.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Tables whose blocks leave for the swap space and come back: 12 blocks of 4 tokens, 6 slots.
class SwapTest {
    private static final int BLOCK_SIZE = 4;

    private final BlockPool pool = new BlockPool(12, BLOCK_SIZE, new PrefixIndex(12, BLOCK_SIZE));
    private final SwapSpace space = new SwapSpace(6);
    private final PagedLayout layout = new PagedLayout(pool, space);
    private final BlockCopies copies = new BlockCopies(10);
    private final int[] inPool = new int[12]; // what each block holds, and each slot
    private final int[] inSpace = new int[6];

    /// A sequence that differs from those with another `first` from its first token on.
    private BlockTable table(int first) {
        int[] token = new int[40];
        Arrays.setAll(token, i -> first + i);
        return (BlockTable) layout.sequence(token, 40, "");
    }

    /// One that holds `tokens` tokens; its block i holds `first + i`.
    private BlockTable computed(int first, int tokens) {
        BlockTable table = table(first);
        assertEquals(0, table.open(tokens, tokens, 0));
        table.plan(tokens);
        table.append(tokens - table.length());
        for (int i = 0; i < table.blocks(); i++) {
            inPool[table.block(i)] = first + i;
        }
        return table;
    }

    /// All that is due is begun, and done.
    private void land() {
        BlockTransfers transfers = layout.transfers();
        for (int i = 0; i < transfers.due(); i++) {
            if (transfers.out(i)) {
                inSpace[transfers.slot(i)] = inPool[transfers.block(i)];
            } else {
                inPool[transfers.block(i)] = inSpace[transfers.slot(i)];
            }
        }
        transfers.begun(transfers.due(), 1);
        while (transfers.inFlight() > 0) {
            transfers.done();
        }
        layout.checkInvariants();
    }

    private void check(BlockTable... tables) {
        layout.checkInvariants();
        for (BlockTable table : tables) {
            table.checkInvariants();
        }
        assertEquals(pool.blocks(), pool.free() + pool.cached() + pool.inUse() + pool.inTransit());
    }

    private void checkNothingIsLeft() {
        land();
        check();
        assertEquals(12, pool.available());
        assertEquals(6, space.free());
        assertEquals(0, pool.tokensInUse());
        assertEquals(0, pool.saved());
    }

    private void out(BlockTable table, int blocks) {
        assertEquals(blocks, table.swapOut());
        land();
        assertTrue(table.out());
        check(table);
    }

    private void back(BlockTable table) {
        assertEquals(0, table.swapIn(0));
        land();
        assertTrue(table.here());
        check(table);
    }

    @Test
    void sequence_comesBackWithWhatItHeld_inOrder() {
        BlockTable table = computed(100, 14);
        assertEquals(4, table.movable());
        out(table, 4);
        assertTrue(table.swapped());
        assertFalse(table.here());
        assertEquals(4, table.blocks());
        assertEquals(14, table.length());
        assertEquals(0, pool.inUse());
        assertEquals(0, pool.tokensInUse());
        BlockTable other = computed(500, 20); // takes others' places
        back(table);
        assertFalse(table.swapped());
        Set<Integer> different = new HashSet<>();
        for (int i = 0; i < 4; i++) {
            assertEquals(100 + i, inPool[table.block(i)]);
            assertTrue(different.add(table.block(i)));
        }
        assertEquals(34, pool.tokensInUse());
        assertEquals(0, table.reserve(17, copies));
        table.append(3);
        check(table, other);
        table.release();
        other.release();
        checkNothingIsLeft();
    }

    @Test
    void blocks_areInTransitUntilTheirCopyIsDone() {
        BlockTable table = computed(100, 16);
        assertEquals(4, table.swapOut());
        check(table);
        assertEquals(4, pool.inTransit());
        assertEquals(4, pool.leaving());
        assertEquals(8, pool.available());
        assertEquals(2, space.free());
        assertFalse(table.out());
        BlockTable other = table(500);
        assertEquals(1, other.open(36, 36, 0));
        assertEquals(0, other.open(32, 32, 0));
        for (int i = 0; i < 8; i++) {
            assertTrue(pool.refCount(other.block(i)) == 1 && !pool.moving(other.block(i)));
        }
        check(table, other);
        land();
        assertTrue(table.out());
        assertEquals(4, pool.available());
    }

    @Test
    void onlyBlocksWithOneHolder_leave_sharedOnesStay() {
        BlockTable first = computed(100, 10);
        BlockTable second = table(100);
        first.fork(second);
        assertEquals(0, second.reserve(11, copies)); // copies the third block
        second.append(1);
        assertEquals(1, second.movable());
        out(second, 1);
        assertEquals(first.block(0), second.block(0));
        assertEquals(first.block(1), second.block(1));
        assertTrue(second.block(2) < 0);
        assertEquals(2, pool.refCount(first.block(0)));
        assertEquals(1, space.used());
        check(first, second);
        first.release();
        check(second);
        assertEquals(1, pool.refCount(second.block(0)));
        back(second);
        assertEquals(11, second.length());
        second.release();
        checkNothingIsLeft();
    }

    @Test
    void wholeTableIsShared_nothingLeaves() {
        BlockTable first = computed(100, 10);
        BlockTable second = table(100);
        first.fork(second);
        assertEquals(0, first.movable());
        assertEquals(0, first.swapOut());
        assertFalse(first.swapped());
        assertEquals(0, layout.transfers().due());
        check(first, second);
    }

    @Test
    void spaceThatHasNoRoomForAll_takesNothing() {
        out(computed(100, 12), 3);
        BlockTable table = computed(500, 16);
        assertEquals(0, table.swapOut());
        assertEquals(4, table.blocks());
        assertTrue(table.here());
        assertEquals(3, space.free());
        assertEquals(0, layout.transfers().due());
        assertEquals(0, pool.inTransit());
        check(table);
        table.reserve(17, copies);
        table.append(1);
        check(table);
    }

    @Test
    void reservedBlocks_areGivenBackAndNotMoved() {
        BlockTable table = computed(100, 8);
        assertEquals(0, table.reserve(20, copies));
        assertEquals(5, table.blocks());
        out(table, 2);
        assertEquals(2, table.blocks());
        assertEquals(2, space.used());
    }

    /// Ends while each copy there is due, in flight or done.
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2})
    void release_onTheWayOut_freesBlocksAndSlotsWhenTheyHaveLanded(int moment) {
        BlockTable table = computed(100, 16);
        table.swapOut();
        if (moment > 0) {
            layout.transfers().begun(4, 7);
        }
        if (moment == 2) {
            layout.transfers().done();
        }
        table.release();
        check(table);
        assertEquals(moment == 2 ? 12 : 8, pool.available());
        assertEquals(moment == 2 ? 6 : 2, space.free());
        checkNothingIsLeft();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void release_onTheWayBack_freesBlocksAndSlotsWhenTheyHaveLanded(int moment) {
        BlockTable table = computed(100, 16);
        out(table, 4);
        assertEquals(0, table.swapIn(0));
        assertEquals(16, pool.tokensInUse());
        assertEquals(4, pool.inTransit());
        assertEquals(0, pool.leaving());
        if (moment == 1) {
            layout.transfers().begun(4, 7);
        }
        table.release();
        check(table);
        assertEquals(4, pool.leaving());
        assertEquals(8, pool.available());
        assertEquals(2, space.free());
        checkNothingIsLeft();
    }

    @Test
    void swapIn_withoutRoom_changesNothing() {
        BlockTable table = computed(100, 16);
        out(table, 4);
        BlockTable other = computed(500, 36);
        assertEquals(1, table.swapIn(0));
        assertEquals(3, table.swapIn(2));
        assertEquals(Integer.MAX_VALUE, table.swapIn(Integer.MAX_VALUE));
        assertTrue(table.swapped() && table.out());
        assertEquals(4, space.used());
        assertEquals(0, layout.transfers().due());
        check(table, other);
        other.release();
        back(table);
    }

    @Test
    void peak_countsWhatCameBack() {
        BlockTable table = computed(100, 16);
        out(table, 4);
        BlockTable other = computed(500, 20);
        assertEquals(5, pool.peak());
        back(table);
        assertEquals(9, pool.inUse());
        assertEquals(9, pool.peak());
        check(table, other);
    }

    /// The copy only reads the block: whoever finds it may have it at once.
    @Test
    void prefixHit_onADepartingBlock_keepsItInThePool() {
        BlockTable table = computed(100, 16);
        assertEquals(4, table.swapOut());
        BlockTable second = table(100);
        assertEquals(0, second.open(18, 18, 0));
        assertEquals(16, second.sharedTokens());
        assertEquals(0, pool.leaving());
        assertEquals(4, pool.inTransit());
        check(table, second);
        land();
        assertEquals(5, pool.inUse());
        assertEquals(4, space.used());
        check(table, second);
        back(table); // as blocks of its own
        for (int i = 0; i < 4; i++) {
            assertEquals(100 + i, inPool[table.block(i)]);
            assertEquals(100 + i, inPool[second.block(i)]);
        }
        table.release();
        second.release();
        checkNothingIsLeft();
    }

    @Test
    void departingBlock_landsInTheCache_andIsFoundThere() {
        BlockTable table = computed(100, 16);
        out(table, 4);
        assertEquals(4, pool.cached());
        BlockTable second = table(100);
        assertEquals(0, second.open(18, 18, 0));
        assertEquals(16, second.sharedTokens());
        check(table, second);
    }

    /// It was found while it left: it cannot leave again before that copy is done.
    @Test
    void departingBlockThatWasFound_staysWhenItsFinderLeavesToo() {
        BlockTable table = computed(100, 8);
        table.swapOut();
        BlockTable second = table(100);
        assertEquals(0, second.open(15, 15, 0));
        second.plan(15);
        second.append(7);
        assertEquals(2, second.movable());
        assertEquals(2, second.swapOut());
        check(table, second);
        assertEquals(2 + 2, layout.transfers().due());
        land();
        assertTrue(second.out());
        assertTrue(second.block(0) >= 0 && second.block(1) >= 0 && second.block(2) < 0);
        check(table, second);
        back(table);
        back(second);
        table.release();
        second.release();
        checkNothingIsLeft();
    }

    @Test
    void departingBlockThatWasFound_mayBeGivenBackFirst() {
        BlockTable table = computed(100, 8);
        table.swapOut();
        BlockTable second = table(100);
        assertEquals(0, second.open(9, 9, 0));
        second.release();
        assertEquals(2, pool.leaving());
        check(table, second);
        land();
        assertEquals(2, pool.cached());
        table.release();
        checkNothingIsLeft();
    }

    /// A full hit: its last token is to be computed again, but nothing is to be written.
    @Test
    void fullHitThatLeavesAtOnce_comesBackWhole() {
        var ones = new BlockPool(8, 1, new PrefixIndex(8, 1));
        var wide = new PagedLayout(ones, new SwapSpace(8));
        int[] token = {1, 2, 3, 4, 5};
        SequenceBlocks first = wide.sequence(token, 5, "");
        first.open(4, 4, 0);
        first.plan(4);
        first.append(4);
        first.release();
        SequenceBlocks second = wide.sequence(token, 5, "");
        assertEquals(0, second.open(4, 4, 0));
        assertEquals(3, second.length());
        assertEquals(4, second.swapOut());
        wide.transfers().begun(4, 1);
        wide.transfers().done();
        assertEquals(0, second.swapIn(0));
        wide.transfers().begun(4, 2);
        wide.transfers().done();
        second.checkInvariants();
        wide.checkInvariants();
        assertEquals(SequenceBlocks.NO_SLOT, second.slot(3));
        second.append(1);
        assertEquals(4, ones.tokensInUse());
    }

    @Test
    void brokenContracts_areRefused_andChangeNothing() {
        BlockTable table = computed(100, 14);
        table.swapOut();
        var early = assertThrows(IllegalStateException.class, () -> table.swapIn(0));
        assertEquals("blocks must be in the swap space before they come back: away=4, spare=0", early.getMessage());
        assertEquals(0, table.swapOut());
        land();
        var append = assertThrows(IllegalStateException.class, () -> table.append(1));
        assertEquals("append must find every block in the pool: away=4", append.getMessage());
        var reserve = assertThrows(IllegalStateException.class, () -> table.reserve(17, copies));
        assertEquals("reserve must find every block in the pool: away=4", reserve.getMessage());
        var slot = assertThrows(IllegalStateException.class, () -> table.slot(3));
        assertEquals("position must not be in the swap space: position=3, away=4", slot.getMessage());
        assertThrows(IllegalStateException.class, () -> table.swapIn(-1));
        assertThrows(IllegalStateException.class, () -> table.open(14, 14, 0));
        assertEquals(14, table.length());
        assertEquals(4, space.used());
        check(table);
        back(table);
        assertEquals(14, pool.tokensInUse());
    }

    @Test
    void pool_refusesWhatIsNotInTransit_orHasOtherHolders() {
        int[] block = new int[1];
        pool.allocate(1, block, 0);
        var landed = assertThrows(CorruptStateException.class, () -> pool.landed(block[0]));
        assertEquals("landed block must be in transit: block=0", landed.getMessage());
        pool.release(block[0]);
        var free = assertThrows(CorruptStateException.class, () -> pool.depart(block[0]));
        assertEquals("departing block must have one holder: block=0, refCount=0, moving=false", free.getMessage());
        assertThrows(IllegalArgumentException.class, () -> pool.depart(12));
        BlockTable first = computed(100, 8);
        first.fork(table(100));
        assertThrows(CorruptStateException.class, () -> pool.depart(first.block(0)));
        var twice = assertThrows(IllegalStateException.class, () -> pool.release(11));
        assertEquals("block must be in use: block=11", twice.getMessage());
        pool.checkInvariants();
        assertEquals(2, pool.inUse());
    }
}
