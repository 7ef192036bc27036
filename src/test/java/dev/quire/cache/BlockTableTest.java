package dev.quire.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BlockTableTest {
    private final BlockCopies copies = new BlockCopies(10);

    @Test
    void thirtyTokenPrompt_takesTwoBlocks_andThe33rdTokenAThird() {
        var pool = new BlockPool(10, 16);
        var table = new BlockTable(pool, 64);
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
        table.checkInvariants();
    }

    @Test
    void append_toAFullBlock_isRefused() {
        var pool = new BlockPool(10, 16);
        var table = new BlockTable(pool, 64);
        table.reserve(32, copies);
        table.append(32);
        var e = assertThrows(IllegalStateException.class, () -> table.append(1));
        assertEquals("append must fit the reserved blocks: tokens=1, length=32, capacity=32", e.getMessage());
        assertEquals(32, table.length());
    }

    @Test
    void blockOf_beyondTheTable_isRefused() {
        var pool = new BlockPool(10, 16);
        var table = new BlockTable(pool, 64);
        table.reserve(30, copies);
        var e = assertThrows(IllegalArgumentException.class, () -> table.blockOf(32));
        assertEquals("position must lie in a reserved block: position=32, capacity=32", e.getMessage());
        assertThrows(IllegalArgumentException.class, () -> table.blockOf(-1));
        assertThrows(IllegalArgumentException.class, () -> table.block(2));
    }

    @Test
    void reserve_withoutEnoughBlocks_changesNothingAndSaysHowManyAreMissing() {
        var pool = new BlockPool(2, 16);
        var table = new BlockTable(pool, 64);
        table.reserve(16, copies);
        assertEquals(1, table.reserve(33, copies));
        assertEquals(1, table.blocks());
        assertEquals(1, pool.free());
    }

    @Test
    void reserve_moreThanTheTableWasMadeFor_isRefused() {
        var table = new BlockTable(new BlockPool(10, 16), 20);
        var e = assertThrows(IllegalArgumentException.class, () -> table.reserve(33, copies));
        assertEquals("tokens must fit the table: tokens=33, maxTokens=32", e.getMessage());
    }

    @Test
    void slot_isBlockTimesBlockSizePlusOffset() {
        var pool = new BlockPool(10, 16);
        int[] ahead = new int[3];
        pool.allocate(3, ahead, 0);
        var table = new BlockTable(pool, 64);
        table.reserve(20, copies);
        assertEquals(3 * 16, table.slot(0));
        assertEquals(4 * 16 + 3, table.slot(19));
    }

    @Test
    void release_givesBlocksBackLastFirst() {
        var pool = new BlockPool(3, 16);
        var table = new BlockTable(pool, 48);
        table.reserve(48, copies);
        table.release();
        assertEquals(3, pool.free());
        assertEquals(0, table.length());
        table.reserve(16, copies);
        assertEquals(0, table.block(0));
    }

    @Test
    void release_blockThatSomebodyElseReleased_isCorruptState() {
        var pool = new BlockPool(3, 16);
        var table = new BlockTable(pool, 48);
        table.reserve(48, copies);
        pool.release(1);
        var e = assertThrows(CorruptStateException.class, table::release);
        assertEquals("held block must be in use: index=1, block=1", e.getMessage());
        assertThrows(CorruptStateException.class, table::checkInvariants);
    }

    /// Tables on one pool and a naive model (lists of block ids) take the same random operations: no block is ever
    /// held twice, and every count agrees.
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void randomOperations_agreeWithModel(long seed) {
        var random = new Random(seed);
        var pool = new BlockPool(25, 4);
        List<BlockTable> tables = new ArrayList<>();
        int[] lengths = new int[6];
        int[] blocks = new int[6];
        for (int i = 0; i < 6; i++) {
            tables.add(new BlockTable(pool, 60));
        }
        for (int i = 0; i < 20_000; i++) {
            int at = random.nextInt(6);
            BlockTable table = tables.get(at);
            if (random.nextInt(10) == 0) {
                table.release();
                lengths[at] = 0;
                blocks[at] = 0;
            } else {
                int more = random.nextInt(9);
                int needed = Math.max(blocks[at], Math.ceilDiv(Math.min(60, lengths[at] + more), 4));
                int free = 25 - java.util.Arrays.stream(blocks).sum();
                int missing = table.reserve(Math.min(60, lengths[at] + more), copies);
                assertEquals(Math.max(0, needed - blocks[at] - free), missing);
                if (missing == 0) {
                    more = Math.min(60, lengths[at] + more) - lengths[at];
                    table.append(more);
                    lengths[at] += more;
                    blocks[at] = needed;
                }
            }
            checkAll(pool, tables, lengths, blocks);
        }
    }

    private static void checkAll(BlockPool pool, List<BlockTable> tables, int[] lengths, int[] blocks) {
        pool.checkInvariants();
        var held = new HashSet<Integer>();
        int count = 0;
        for (int i = 0; i < tables.size(); i++) {
            BlockTable table = tables.get(i);
            table.checkInvariants();
            assertEquals(lengths[i], table.length());
            assertEquals(blocks[i], table.blocks());
            for (int k = 0; k < table.blocks(); k++) {
                held.add(table.block(k));
                count++;
            }
        }
        assertEquals(count, held.size());
        assertEquals(count, pool.inUse());
    }
}
