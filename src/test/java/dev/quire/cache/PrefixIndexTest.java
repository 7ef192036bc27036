package dev.quire.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/// All blocks collide here unless a test says otherwise: what keeps them apart is never the hash.
class PrefixIndexTest {
    private static final long HASH = 42;

    private final PrefixIndex index = new PrefixIndex(8, 2, (parent, token, from, count) -> HASH);

    private long add(int block, long parent, String salt, int... token) {
        return index.add(block, HASH, parent, token, 0, salt, false);
    }

    private int find(long parent, String salt, int... token) {
        return index.find(HASH, parent, token, 0, salt);
    }

    @Test
    void find_equalTokens_givesTheBlock() {
        add(3, PrefixIndex.ROOT, "", 7, 8);
        assertEquals(3, find(PrefixIndex.ROOT, "", 7, 8));
        assertEquals(3, index.find(HASH, PrefixIndex.ROOT, new int[] {1, 7, 8}, 1, ""));
        assertTrue(index.contains(3));
        assertEquals(1, index.size());
        index.checkInvariants();
    }

    @Test
    void find_collidingTokens_isNoHit() {
        add(3, PrefixIndex.ROOT, "", 7, 8);
        assertEquals(PrefixIndex.NONE, find(PrefixIndex.ROOT, "", 7, 9));
        assertEquals(PrefixIndex.NONE, find(PrefixIndex.ROOT, "", 6, 8));
    }

    /// First, middle and last of their bucket.
    @Test
    void move_keepsTheEntry_soThatItsChildrenAreStillFound() {
        long[] generations = {
            add(0, PrefixIndex.ROOT, "a", 1, 1),
            add(1, PrefixIndex.ROOT, "a", 2, 2),
            add(2, PrefixIndex.ROOT, "a", 3, 3)
        };
        add(3, generations[1], "a", 4, 4);
        for (int block = 0; block < 3; block++) {
            index.move(block, block + 5);
            index.checkInvariants();
            assertEquals(generations[block], index.generation(block + 5));
            assertFalse(index.contains(block));
            assertEquals(block + 5, find(PrefixIndex.ROOT, "a", block + 1, block + 1));
        }
        assertEquals(3, find(generations[1], "a", 4, 4));
        assertEquals(4, index.size());
    }

    @Test
    void move_withoutAnEntryOrOntoOne_isCorruptState() {
        add(0, PrefixIndex.ROOT, "", 1, 1);
        add(1, PrefixIndex.ROOT, "", 2, 2);
        var e = assertThrows(CorruptStateException.class, () -> index.move(0, 1));
        assertEquals(
                "an entry must move to a block without one: from=0, generation=1, to=1, generation=2", e.getMessage());
        assertThrows(CorruptStateException.class, () -> index.move(2, 3));
        index.checkInvariants();
    }

    @Test
    void find_collidingSalt_isNoHit() {
        add(3, PrefixIndex.ROOT, "mine", 7, 8);
        assertEquals(PrefixIndex.NONE, find(PrefixIndex.ROOT, "yours", 7, 8));
        assertEquals(3, find(PrefixIndex.ROOT, new String("mine"), 7, 8));
    }

    @Test
    void find_collidingParent_isNoHit() {
        long first = add(0, PrefixIndex.ROOT, "", 1, 1);
        long second = add(1, PrefixIndex.ROOT, "", 2, 2);
        add(2, first, "", 7, 8);
        assertEquals(2, find(first, "", 7, 8));
        assertEquals(PrefixIndex.NONE, find(second, "", 7, 8));
        assertEquals(PrefixIndex.NONE, find(PrefixIndex.ROOT, "", 7, 8));
    }

    @Test
    void find_anotherHash_isNoHit() {
        add(3, PrefixIndex.ROOT, "", 7, 8);
        assertEquals(PrefixIndex.NONE, index.find(HASH + 16, PrefixIndex.ROOT, new int[] {7, 8}, 0, ""));
    }

    @Test
    void find_childOfAParentWhoseBlockWasTakenForTheSameAgain_isNoHit() {
        long parent = add(0, PrefixIndex.ROOT, "", 1, 1);
        add(1, parent, "", 2, 2);
        index.remove(0);
        assertEquals(1, find(parent, "", 2, 2));
        long again = add(0, PrefixIndex.ROOT, "", 1, 1);
        assertNotEquals(parent, again);
        assertEquals(PrefixIndex.NONE, find(again, "", 2, 2));
        index.checkInvariants();
    }

    @Test
    void find_severalInABucket_givesEachItsOwn() {
        for (int block = 0; block < 8; block++) {
            add(block, PrefixIndex.ROOT, "", block, block);
        }
        index.remove(3);
        index.remove(7);
        index.remove(0);
        index.checkInvariants();
        for (int block = 0; block < 8; block++) {
            boolean gone = block == 3 || block == 7 || block == 0;
            assertEquals(gone ? PrefixIndex.NONE : block, find(PrefixIndex.ROOT, "", block, block));
        }
        assertEquals(5, index.size());
    }

    @Test
    void add_tokens_areCopied() {
        int[] token = {7, 8};
        index.add(3, HASH, PrefixIndex.ROOT, token, 0, "", false);
        token[0] = 9;
        assertEquals(3, find(PrefixIndex.ROOT, "", 7, 8));
        assertEquals(PrefixIndex.NONE, find(PrefixIndex.ROOT, "", 9, 8));
    }

    @Test
    void add_blockWithAnEntry_isCorruptState() {
        add(3, PrefixIndex.ROOT, "", 7, 8);
        var e = assertThrows(CorruptStateException.class, () -> add(3, PrefixIndex.ROOT, "", 1, 2));
        assertEquals("block must have no entry: block=3, generation=1", e.getMessage());
    }

    @Test
    void remove_blockWithoutAnEntry_isCorruptState() {
        var e = assertThrows(CorruptStateException.class, () -> index.remove(3));
        assertEquals("block must have an entry: block=3", e.getMessage());
    }

    @Test
    void pending_plannedEntry_isFoundAndPendingUntilComputed() {
        index.add(3, HASH, PrefixIndex.ROOT, new int[] {7, 8}, 0, "", true);
        assertEquals(3, find(PrefixIndex.ROOT, "", 7, 8));
        assertTrue(index.pending(3));
        index.computed(3);
        assertFalse(index.pending(3));
        assertEquals(3, find(PrefixIndex.ROOT, "", 7, 8));
        index.checkInvariants();
    }

    @Test
    void remove_pendingEntry_leavesNothing() {
        index.add(3, HASH, PrefixIndex.ROOT, new int[] {7, 8}, 0, "", true);
        index.remove(3);
        assertFalse(index.pending(3));
        assertFalse(index.contains(3));
        assertEquals(0, index.generation(3));
        assertEquals(PrefixIndex.NONE, find(PrefixIndex.ROOT, "", 7, 8));
        index.checkInvariants();
        add(3, PrefixIndex.ROOT, "", 7, 8);
        assertFalse(index.pending(3));
    }

    @Test
    void hash_isXxh64UnlessATestSaysOtherwise() {
        int[] token = {5, 7, 8};
        assertEquals(BlockHash.of(9, token, 1, 2), new PrefixIndex(8, 2).hash(9, token, 1));
        assertEquals(HASH, index.hash(9, token, 1));
    }

    @Test
    void off_holdsNothing() {
        PrefixIndex off = PrefixIndex.off();
        assertFalse(off.on());
        assertTrue(index.on());
        assertFalse(off.contains(3));
        assertFalse(off.pending(3));
        assertEquals(0, off.generation(3));
        assertEquals(0, off.size());
        assertEquals(PrefixIndex.NONE, off.find(HASH, PrefixIndex.ROOT, new int[] {7}, 0, ""));
        off.checkInvariants();
    }

    @Test
    void newIndex_badShape_isRefused() {
        var e = assertThrows(IllegalArgumentException.class, () -> new PrefixIndex(1 << 27, 16));
        assertEquals(
                "blocks must not be negative, blockSize positive, and their product an int: blocks=134217728,"
                        + " blockSize=16",
                e.getMessage());
        assertThrows(IllegalArgumentException.class, () -> new PrefixIndex(-1, 16));
        assertThrows(IllegalArgumentException.class, () -> new PrefixIndex(8, 0));
        assertFalse(new PrefixIndex(0, 16).on());
    }

    @Test
    void checkInvariants_childNotAboveItsParent_isCorruptState() {
        add(3, 1, "", 7, 8);
        var e = assertThrows(CorruptStateException.class, index::checkInvariants);
        assertEquals("entry must be the one that its key finds: block=3, generation=1, parent=1", e.getMessage());
    }

    @Test
    void checkInvariants_twoEqualEntries_isCorruptState() {
        add(3, PrefixIndex.ROOT, "", 7, 8);
        add(4, PrefixIndex.ROOT, "", 7, 8);
        assertThrows(CorruptStateException.class, index::checkInvariants);
    }

    @Test
    void checkInvariants_entryWithoutSalt_isCorruptState() {
        add(3, PrefixIndex.ROOT, null, 7, 8);
        assertThrows(CorruptStateException.class, index::checkInvariants);
    }
}
