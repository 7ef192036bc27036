package dev.quire.cache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BlockPoolTest {
    @Test
    void newPool_isFreeAndAllocatesFromZero() {
        var pool = new BlockPool(3, 16);
        int[] taken = new int[3];
        assertEquals(3, pool.free());
        assertEquals(0, pool.allocate(3, taken, 0));
        assertArrayEquals(new int[] {0, 1, 2}, taken);
        assertEquals(0, pool.free());
        assertEquals(3, pool.inUse());
        pool.checkInvariants();
    }

    @Test
    void allocate_moreThanFree_changesNothingAndSaysHowManyAreMissing() {
        var pool = new BlockPool(3, 16);
        int[] taken = {-7, -7, -7, -7, -7};
        assertEquals(2, pool.allocate(5, taken, 0));
        assertArrayEquals(new int[] {-7, -7, -7, -7, -7}, taken);
        assertEquals(3, pool.free());
        pool.checkInvariants();
    }

    @Test
    void allocate_intoTooSmallArray_isRefused() {
        var pool = new BlockPool(3, 16);
        var e = assertThrows(IllegalArgumentException.class, () -> pool.allocate(2, new int[2], 1));
        assertEquals("destination must hold the blocks: count=2, offset=1, length=2", e.getMessage());
        assertEquals(3, pool.free());
    }

    @Test
    void release_lastReference_makesTheBlockTheNextToBeTaken() {
        var pool = new BlockPool(3, 16);
        int[] taken = new int[2];
        pool.allocate(2, taken, 0);
        pool.release(0);
        pool.allocate(1, taken, 0);
        assertEquals(0, taken[0]);
    }

    @Test
    void release_freeBlock_isRefused() {
        var pool = new BlockPool(2, 16);
        var e = assertThrows(IllegalStateException.class, () -> pool.release(1));
        assertEquals("block must be in use: block=1", e.getMessage());
        assertEquals(2, pool.free());
        pool.checkInvariants();
    }

    @Test
    void release_unknownBlock_isRefused() {
        var pool = new BlockPool(2, 16);
        var e = assertThrows(IllegalArgumentException.class, () -> pool.release(2));
        assertEquals("block must be in the pool: block=2, blocks=2", e.getMessage());
        assertThrows(IllegalArgumentException.class, () -> pool.release(-1));
    }

    @Test
    void newPool_withoutBlocks_isRefused() {
        var e = assertThrows(IllegalArgumentException.class, () -> new BlockPool(0, 16));
        assertEquals("blocks and blockSize must be positive: blocks=0, blockSize=16", e.getMessage());
    }

    @Test
    void blocksFor_roundsUp() {
        var pool = new BlockPool(1, 16);
        assertEquals(0, pool.blocksFor(0));
        assertEquals(1, pool.blocksFor(1));
        assertEquals(1, pool.blocksFor(16));
        assertEquals(2, pool.blocksFor(17));
    }

    /// The pool and a naive model take the same random operations and must agree after each one.
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void randomOperations_agreeWithModel(long seed) {
        var random = new Random(seed);
        int blocks = 1 + random.nextInt(40);
        var pool = new BlockPool(blocks, 16);
        Deque<Integer> free = new ArrayDeque<>();
        List<Integer> held = new ArrayList<>();
        for (int block = 0; block < blocks; block++) {
            free.addLast(block);
        }
        for (int i = 0; i < 20_000; i++) {
            if (random.nextInt(100) < 45) {
                int count = random.nextInt(6);
                int[] taken = new int[count];
                int missing = pool.allocate(count, taken, 0);
                assertEquals(Math.max(0, count - free.size()), missing);
                for (int k = 0; missing == 0 && k < count; k++) {
                    assertEquals(free.removeFirst(), taken[k]);
                    held.add(taken[k]);
                }
            } else if (!held.isEmpty()) {
                int block = held.remove(random.nextInt(held.size()));
                pool.release(block);
                free.addFirst(block);
            }
            pool.checkInvariants();
            assertEquals(free.size(), pool.free());
            assertEquals(held.size(), pool.inUse());
        }
        assertTrue(held.stream().allMatch(block -> pool.refCount(block) == 1));
    }
}
