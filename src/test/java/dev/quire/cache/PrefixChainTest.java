package dev.quire.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// When a sequence's blocks are hashed, and when they become known.
class PrefixChainTest {
    private static final int BLOCK_SIZE = 16;

    private final int[] token = IntStream.range(0, 100).toArray();
    private final BlockCopies copies = new BlockCopies(1);
    private int hashed;
    private final PrefixIndex index = new PrefixIndex(10, BLOCK_SIZE, this::countedHash);
    private final BlockPool pool = new BlockPool(10, BLOCK_SIZE, index);

    private long countedHash(long parent, int[] tokens, int from, int count) {
        hashed++;
        return BlockHash.of(parent, tokens, from, count);
    }

    @Test
    void prepare_leavesNoHashForAdmission() {
        var table = new BlockTable(pool, token, "");
        table.prepare(40);
        assertEquals(2, hashed);
        assertEquals(0, table.open(40, 40, 0));
        table.plan(40);
        table.append(40);
        assertEquals(2, hashed);
        assertEquals(2, index.size());
        table.prepare(40);
        assertEquals(2, hashed);
    }

    @Test
    void prepare_lessThanABlock_hashesNothing() {
        new BlockTable(pool, token, "").prepare(BLOCK_SIZE - 1);
        assertEquals(0, hashed);
    }

    @Test
    void prepare_withoutIndex_hashesNothing() {
        new BlockTable(new BlockPool(10, BLOCK_SIZE), token, "").prepare(100);
        assertEquals(0, hashed);
    }

    @Test
    void prepare_moreThanTheTableHolds_isRefused() {
        var table = new BlockTable(pool, token, "");
        var e = assertThrows(IllegalArgumentException.class, () -> table.prepare(113));
        assertTrue(e.getMessage().startsWith("tokens must fit the table: tokens=113, maxTokens="), e.getMessage());
    }

    @Test
    void append_oneTokenAtATime_indexesABlockWhenItIsFull() {
        var table = new BlockTable(pool, token, "");
        for (int length = 1; length <= 100; length++) {
            table.reserve(length, copies);
            table.append(1);
            assertEquals(length / BLOCK_SIZE, index.size());
            table.checkInvariants();
            pool.checkInvariants();
        }
    }

    /// The writer's blocks were pending when this table took them; its own first token says that they are computed,
    /// although it fills no block.
    @Test
    void append_firstTokenAfterSharing_makesThePrefixStandForGood() {
        var writer = new BlockTable(pool, token, "");
        writer.open(33, 33, 0);
        writer.plan(33);
        var reader = new BlockTable(pool, token, "");
        reader.open(40, 40, 0);
        assertEquals(32, reader.sharedTokens());
        writer.append(33);
        reader.append(1);
        writer.forget();
        assertTrue(reader.prefixStands());
    }

    @Test
    void rollBack_ofTheWriter_leavesASharedPrefixThatDoesNotStand() {
        var writer = new BlockTable(pool, token, "");
        writer.open(33, 33, 0);
        writer.plan(33);
        var reader = new BlockTable(pool, token, "");
        reader.open(40, 40, 0);
        writer.rollBack();
        assertFalse(reader.prefixStands());
    }
}
