package dev.quire.cache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class BlockPoolTest {
    private final PrefixIndex index = new PrefixIndex(4, 2);
    private final BlockPool pool = new BlockPool(4, 2, index);

    private int[] take(int count) {
        int[] taken = new int[count];
        assertEquals(0, pool.allocate(count, taken, 0));
        return taken;
    }

    /// Fills `block` and enters it into the index, as the only one with its tokens.
    private void keep(int block) {
        pool.fill(block, 2);
        index.add(block, block, PrefixIndex.ROOT, new int[] {block, block}, 0, "", false);
    }

    @Test
    void newPool_isFreeAndAllocatesFromZero() {
        var plain = new BlockPool(3, 16);
        assertEquals(3, plain.blocks());
        assertEquals(16, plain.blockSize());
        assertFalse(plain.index().on());
        int[] taken = new int[3];
        assertEquals(3, plain.free());
        assertEquals(0, plain.allocate(3, taken, 0));
        assertArrayEquals(new int[] {0, 1, 2}, taken);
        assertEquals(0, plain.free());
        assertEquals(3, plain.inUse());
        plain.checkInvariants();
    }

    @Test
    void newPool_withoutBlocks_isRefused() {
        var e = assertThrows(IllegalArgumentException.class, () -> new BlockPool(0, 16));
        assertEquals("blocks and blockSize must be positive: blocks=0, blockSize=16", e.getMessage());
        assertThrows(IllegalArgumentException.class, () -> new BlockPool(16, 0));
    }

    @Test
    void newPool_withAnIndexOfAnotherShapeOrUsed_isRefused() {
        assertSame(index, pool.index());
        var e = assertThrows(IllegalArgumentException.class, () -> new BlockPool(4, 4, index));
        assertEquals(
                "index must be empty and made for the pool: blocks=4, blockSize=4, index.blocks=4, index.blockSize=2,"
                        + " index.size=0",
                e.getMessage());
        assertThrows(IllegalArgumentException.class, () -> new BlockPool(3, 2, index));
        assertThrows(IllegalArgumentException.class, () -> new BlockPool(4, 1, index));
        keep(take(1)[0]);
        assertThrows(IllegalArgumentException.class, () -> new BlockPool(4, 2, index));
    }

    @Test
    void allocate_moreThanFree_changesNothingAndSaysHowManyAreMissing() {
        int[] taken = {-7, -7, -7, -7, -7, -7};
        assertEquals(2, pool.allocate(6, taken, 0));
        assertArrayEquals(new int[] {-7, -7, -7, -7, -7, -7}, taken);
        assertEquals(4, pool.free());
        pool.checkInvariants();
    }

    @Test
    void allocate_withOffset_leavesTheRestOfTheArray() {
        int[] taken = {-7, -7, -7, -7};
        assertEquals(0, pool.allocate(2, taken, 1));
        assertArrayEquals(new int[] {-7, 0, 1, -7}, taken);
    }

    @Test
    void allocate_intoTooSmallArray_isRefused() {
        var e = assertThrows(IllegalArgumentException.class, () -> pool.allocate(2, new int[2], 1));
        assertEquals("destination must hold the blocks: count=2, offset=1, length=2", e.getMessage());
        assertThrows(IllegalArgumentException.class, () -> pool.allocate(-1, new int[2], 0));
        assertThrows(IllegalArgumentException.class, () -> pool.allocate(1, new int[2], -1));
        assertEquals(4, pool.free());
    }

    @Test
    void release_lastReference_makesTheBlockTheNextToBeTaken() {
        take(2);
        pool.release(0);
        assertEquals(0, take(1)[0]);
    }

    @Test
    void release_freeBlock_isRefused() {
        var e = assertThrows(IllegalStateException.class, () -> pool.release(1));
        assertEquals("block must be in use: block=1", e.getMessage());
        assertEquals(4, pool.free());
        pool.checkInvariants();
    }

    @Test
    void release_unknownBlock_isRefused() {
        var e = assertThrows(IllegalArgumentException.class, () -> pool.release(4));
        assertEquals("block must be in the pool: block=4, blocks=4", e.getMessage());
        assertThrows(IllegalArgumentException.class, () -> pool.release(-1));
        assertThrows(IllegalArgumentException.class, () -> pool.retain(4));
        assertThrows(IllegalArgumentException.class, () -> pool.refCount(4));
        assertThrows(IllegalArgumentException.class, () -> pool.used(-1));
    }

    @Test
    void release_blockInTheIndex_isCachedAndTakenLast() {
        take(4);
        keep(1);
        pool.release(1);
        pool.release(2);
        assertEquals(1, pool.cached());
        assertEquals(1, pool.free());
        assertEquals(2, pool.available());
        assertEquals(2, pool.inUse());
        assertEquals(2, pool.used(1));
        pool.checkInvariants();
        assertArrayEquals(new int[] {2, 1}, take(2));
    }

    @Test
    void allocate_cachedBlocks_evictsTheLeastRecentlyReleased() {
        take(4);
        keep(0);
        keep(1);
        keep(3);
        pool.release(3);
        pool.release(0);
        pool.release(1);
        assertArrayEquals(new int[] {3, 0}, take(2));
        assertEquals(2, pool.evictions());
        assertFalse(index.contains(3));
        assertFalse(index.contains(0));
        assertTrue(index.contains(1));
        assertEquals(0, pool.used(3));
        assertEquals(1, pool.cached());
        pool.checkInvariants();
    }

    @Test
    void retain_cachedBlock_takesItOutOfTheQueueWithItsTokens() {
        take(1);
        keep(0);
        pool.release(0);
        assertEquals(0, pool.tokensInUse());
        pool.retain(0);
        assertEquals(1, pool.refCount(0));
        assertEquals(0, pool.cached());
        assertEquals(2, pool.tokensInUse());
        assertEquals(0, pool.evictions());
        assertTrue(index.contains(0));
        pool.checkInvariants();
    }

    @Test
    void retain_blockInUse_isSharedAndSaved() {
        take(2);
        pool.fill(1, 1);
        assertEquals(0, pool.shared());
        pool.retain(1);
        pool.retain(1);
        assertEquals(3, pool.refCount(1));
        assertEquals(1, pool.shared());
        assertEquals(2, pool.saved());
        assertEquals(1, pool.tokensInUse());
        pool.release(1);
        assertEquals(1, pool.shared());
        pool.release(1);
        assertEquals(0, pool.shared());
        assertEquals(0, pool.saved());
        pool.checkInvariants();
    }

    @Test
    void retain_freeBlock_isCorruptState() {
        var e = assertThrows(CorruptStateException.class, () -> pool.retain(2));
        assertEquals("shared block must be in use or cached: block=2", e.getMessage());
    }

    @Test
    void copy_blockPartlyFilled_countsItsTokensTwice() {
        take(1);
        pool.fill(0, 1);
        assertEquals(1, pool.copy(0));
        assertEquals(1, pool.refCount(1));
        assertEquals(1, pool.used(1));
        assertEquals(2, pool.tokensInUse());
        assertEquals(1, pool.copies());
        pool.checkInvariants();
    }

    @Test
    void blocksFor_roundsUp() {
        var plain = new BlockPool(1, 16);
        assertEquals(0, plain.blocksFor(0));
        assertEquals(1, plain.blocksFor(1));
        assertEquals(1, plain.blocksFor(16));
        assertEquals(2, plain.blocksFor(17));
        assertEquals(1 << 27, plain.blocksFor(Integer.MAX_VALUE));
    }

    @Test
    void checkInvariants_entryOfACachedBlockLost_isCorruptState() {
        take(1);
        keep(0);
        pool.release(0);
        index.remove(0);
        var e = assertThrows(CorruptStateException.class, pool::checkInvariants);
        assertEquals(
                "block must hold at most its size, and nothing when free: block=0, used=2, blockSize=2",
                e.getMessage());
    }

    @Test
    void checkInvariants_indexedBlockNotFull_isCorruptState() {
        take(1);
        keep(0);
        pool.fill(0, 1);
        var e = assertThrows(CorruptStateException.class, pool::checkInvariants);
        assertEquals(
                "indexed block must be full, or pending and in use: block=0, refCount=1, used=1, pending=false",
                e.getMessage());
    }

    @Test
    void checkInvariants_pendingBlockReleased_isCorruptState() {
        take(1);
        index.add(0, 0, PrefixIndex.ROOT, new int[2], 0, "", true);
        pool.checkInvariants();
        pool.release(0);
        var e = assertThrows(CorruptStateException.class, pool::checkInvariants);
        assertEquals(
                "indexed block must be full, or pending and in use: block=0, refCount=0, used=0, pending=true",
                e.getMessage());
    }

    @Test
    void move_takesReferencesTokensAndEntryAlong_andEvictsWhatWasCachedThere() {
        take(4);
        keep(0);
        keep(3);
        pool.retain(3);
        long generation = index.generation(3);
        pool.release(0);
        pool.move(3, 0);
        assertEquals(2, pool.refCount(0));
        assertEquals(2, pool.used(0));
        assertEquals(generation, index.generation(0));
        assertEquals(0, pool.refCount(3));
        assertEquals(1, pool.evictions());
        assertEquals(1, pool.free());
        assertEquals(0, pool.cached());
        assertEquals(1, pool.shared());
        pool.checkInvariants();
    }

    /// Nothing has changed then: it would be somebody's context.
    @Test
    void move_ofAFreeBlockOrOntoAHeldOne_isCorruptState() {
        take(2);
        var e = assertThrows(CorruptStateException.class, () -> pool.move(1, 0));
        assertEquals(
                "a held block must be moved to one that is available: from=1, refCount=1, moving=false, pending=false,"
                        + " to=0, available=false",
                e.getMessage());
        assertThrows(CorruptStateException.class, () -> pool.move(2, 3));
        assertThrows(CorruptStateException.class, () -> pool.move(1, 1));
        index.add(1, 0, PrefixIndex.ROOT, new int[2], 0, "", true);
        assertThrows(CorruptStateException.class, () -> pool.move(1, 2)); // pending
        index.remove(1);
        pool.depart(1);
        assertThrows(CorruptStateException.class, () -> pool.move(1, 2));
        assertThrows(CorruptStateException.class, () -> pool.move(0, 1));
        int arriving = pool.arrive(2);
        assertThrows(CorruptStateException.class, () -> pool.move(arriving, 3));
        assertThrows(IllegalArgumentException.class, () -> pool.move(0, 4));
        assertThrows(IllegalArgumentException.class, () -> pool.move(-1, 0));
        pool.checkInvariants();
    }

    @Test
    void longestRun_countsFreeAndCachedBlocks_butNoneInTransit() {
        assertEquals(4, pool.freeQueue().longestRun());
        take(4);
        assertEquals(0, pool.freeQueue().longestRun());
        keep(2);
        pool.release(2);
        pool.release(1);
        assertEquals(2, pool.freeQueue().longestRun());
        pool.depart(3);
        assertEquals(2, pool.freeQueue().longestRun());
        pool.landed(3);
        assertEquals(3, pool.freeQueue().longestRun());
    }

    @Test
    void checkInvariants_freeBlockWithAnEntry_isCorruptState() {
        keep(2);
        var e = assertThrows(CorruptStateException.class, pool::checkInvariants);
        assertEquals(
                "counters must say what the blocks say: cached=0, counted=1, inTransit=0, counted=0, shared=0,"
                        + " counted=0, references=0, counted=0, tokensInUse=2, counted=0, internalTokens=0, counted=0",
                e.getMessage());
    }

    @Test
    void checkInvariants_indexThatContradictsItself_isCorruptState() {
        take(1);
        pool.fill(0, 2);
        index.add(0, 0, 9, new int[2], 0, "", false); // its parent is not there yet
        var e = assertThrows(CorruptStateException.class, pool::checkInvariants);
        assertEquals("entry must be the one that its key finds: block=0, generation=1, parent=9", e.getMessage());
    }
}
