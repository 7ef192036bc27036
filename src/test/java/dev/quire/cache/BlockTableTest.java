package dev.quire.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/// One table alone; `ForkTest` and `PrefixSharingTest` tell what happens between several.
class BlockTableTest {
    private final BlockPool pool = new BlockPool(10, 16);
    private final BlockTable table = new BlockTable(pool, 64);
    private final BlockCopies copies = new BlockCopies(10);

    @Test
    void thirtyTokenPrompt_takesTwoBlocks_andThe33rdTokenAThird() {
        assertEquals(0, table.reserve(30, copies));
        table.append(30);
        assertEquals(2, table.blocks());

        for (int tokens = 31; tokens <= 32; tokens++) {
            assertEquals(0, table.reserve(tokens, copies));
            table.append(1);
            assertEquals(2, table.blocks());
        }
        assertEquals(32, table.length());
        assertEquals(table.capacity(), table.length());

        assertEquals(0, table.reserve(33, copies));
        table.append(1);
        assertEquals(3, table.blocks());
        assertEquals(7, pool.free());
        assertEquals(33, pool.tokensInUse());
        assertEquals(0, copies.count());
        table.checkInvariants();
    }

    @Test
    void newTable_withoutTokens_isRefused() {
        var e = assertThrows(IllegalArgumentException.class, () -> new BlockTable(pool, 0));
        assertEquals(
                "maxTokens must be positive and, in whole blocks, an int: maxTokens=0, blockSize=16", e.getMessage());
        assertThrows(IllegalArgumentException.class, () -> new BlockTable(pool, new int[0], ""));
        assertThrows(IllegalArgumentException.class, () -> new BlockTable(pool, Integer.MAX_VALUE));
    }

    @Test
    void open_emptyTable_takesBlocksAndLeavesEverythingToCompute() {
        assertEquals(0, table.open(30, 30, 8));
        assertEquals(2, table.blocks());
        assertEquals(0, table.length());
        assertEquals(0, table.sharedTokens());
        assertTrue(table.prefixStands());
        assertEquals(32, table.capacity());
    }

    @Test
    void open_withoutEnoughBlocks_changesNothingAndSaysHowManyAreMissing() {
        assertEquals(1, table.open(33, 33, 8));
        assertEquals(0, table.blocks());
        assertEquals(10, pool.free());
        assertEquals(Integer.MAX_VALUE - 7, table.open(33, 33, Integer.MAX_VALUE));
        assertEquals(0, table.open(33, 33, 7));
    }

    @Test
    void open_tableThatHoldsBlocks_isRefused() {
        table.open(30, 30, 0);
        var e = assertThrows(IllegalStateException.class, () -> table.open(30, 30, 0));
        assertEquals("table must be empty: blocks=2", e.getMessage());
    }

    @Test
    void open_badNumbers_isRefused() {
        var e = assertThrows(IllegalArgumentException.class, () -> table.open(30, 30, -1));
        assertEquals("spare must not be negative: spare=-1", e.getMessage());
        e = assertThrows(IllegalArgumentException.class, () -> table.open(65, 65, 0));
        assertEquals("tokens must fit the table: tokens=65, maxTokens=64", e.getMessage());
        e = assertThrows(IllegalArgumentException.class, () -> table.open(-1, 0, 0));
        assertEquals("tokens must fit the table: tokens=-1, maxTokens=64", e.getMessage());
        assertEquals(10, pool.free());
    }

    @Test
    void append_toAFullBlock_isRefused() {
        table.reserve(32, copies);
        table.append(32);
        var e = assertThrows(IllegalStateException.class, () -> table.append(1));
        assertEquals("append must fit the reserved blocks: tokens=1, length=32, capacity=32", e.getMessage());
        assertThrows(IllegalStateException.class, () -> table.append(-1));
        assertEquals(32, table.length());
    }

    @Test
    void append_overSeveralBlocks_fillsEach() {
        table.reserve(40, copies);
        table.append(5);
        table.append(30);
        assertEquals(16, pool.used(0));
        assertEquals(16, pool.used(1));
        assertEquals(3, pool.used(2));
        assertEquals(35, pool.tokensInUse());
        table.append(0);
        assertEquals(35, table.length());
    }

    @Test
    void plan_beyondTheReservedBlocks_isRefused() {
        table.reserve(30, copies);
        var e = assertThrows(IllegalStateException.class, () -> table.plan(33));
        assertEquals("plan must fit the reserved blocks: tokens=33, capacity=32", e.getMessage());
    }

    @Test
    void blockOf_beyondTheTable_isRefused() {
        table.reserve(30, copies);
        var e = assertThrows(IllegalArgumentException.class, () -> table.blockOf(32));
        assertEquals("position must lie in a reserved block: position=32, capacity=32", e.getMessage());
        assertThrows(IllegalArgumentException.class, () -> table.blockOf(-1));
        assertThrows(IllegalArgumentException.class, () -> table.slot(32));
    }

    @Test
    void block_beyondTheTable_isRefused() {
        table.reserve(30, copies);
        assertEquals(1, table.block(1));
        var e = assertThrows(IllegalArgumentException.class, () -> table.block(2));
        assertEquals("index must be below blocks: index=2, blocks=2", e.getMessage());
        assertThrows(IllegalArgumentException.class, () -> table.block(-1));
    }

    @Test
    void reserve_withoutEnoughBlocks_changesNothingAndSaysHowManyAreMissing() {
        var small = new BlockPool(2, 16);
        var longer = new BlockTable(small, 64);
        longer.reserve(16, copies);
        assertEquals(1, longer.reserve(33, copies));
        assertEquals(1, longer.blocks());
        assertEquals(1, small.free());
    }

    @Test
    void reserve_fewerTokensThanHeld_changesNothing() {
        table.reserve(40, copies);
        assertEquals(0, table.reserve(1, copies));
        assertEquals(3, table.blocks());
    }

    @Test
    void reserve_moreThanTheTableWasMadeFor_isRefused() {
        var short20 = new BlockTable(pool, 20);
        var e = assertThrows(IllegalArgumentException.class, () -> short20.reserve(21, copies));
        assertEquals("tokens must fit the table: tokens=21, maxTokens=20", e.getMessage());
        assertEquals(0, short20.reserve(20, copies));
    }

    @Test
    void slot_isBlockTimesBlockSizePlusOffset() {
        pool.allocate(3, new int[3], 0);
        table.reserve(20, copies);
        assertEquals(3 * 16, table.slot(0));
        assertEquals(4 * 16 + 3, table.slot(19));
    }

    @Test
    void slot_inALargePool_isALong() {
        var large = new BlockPool(200_000, 1 << 14);
        var last = new BlockTable(large, 1 << 14);
        large.allocate(199_999, new int[199_999], 0);
        last.reserve(1, copies);
        assertEquals(199_999L << 14, last.slot(0));
    }

    @Test
    void release_givesBlocksBackLastFirst() {
        table.reserve(48, copies);
        table.append(33);
        table.release();
        assertEquals(10, pool.free());
        assertEquals(0, table.length());
        assertEquals(0, table.blocks());
        assertEquals(0, pool.tokensInUse());
        table.reserve(16, copies);
        assertEquals(0, table.block(0));
        pool.checkInvariants();
    }

    @Test
    void release_blockThatSomebodyElseReleased_isCorruptState() {
        table.reserve(48, copies);
        pool.release(1);
        var e = assertThrows(CorruptStateException.class, table::checkInvariants);
        assertEquals(
                "held block must be in use, and nobody else's before it is written: index=1, block=1, refCount=0",
                e.getMessage());
        e = assertThrows(CorruptStateException.class, table::release);
        assertEquals("held block must be in use: index=1, block=1", e.getMessage());
    }

    @Test
    void checkInvariants_blockAheadThatSomebodyElseHolds_isCorruptState() {
        table.reserve(48, copies);
        pool.retain(0);
        table.checkInvariants();
        pool.retain(1);
        var e = assertThrows(CorruptStateException.class, table::checkInvariants);
        assertEquals(
                "held block must be in use, and nobody else's before it is written: index=1, block=1, refCount=2",
                e.getMessage());
    }
}
