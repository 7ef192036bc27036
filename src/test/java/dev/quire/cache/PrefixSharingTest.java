package dev.quire.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What tables find of one another through the prefix index.
class PrefixSharingTest {
    private static final int BLOCK_SIZE = 4;

    private final BlockPool pool = new BlockPool(12, BLOCK_SIZE, new PrefixIndex(12, BLOCK_SIZE));
    private final BlockCopies copies = new BlockCopies(10);

    private static int[] tokens(int first, int same) {
        int[] token = new int[40];
        Arrays.setAll(token, i -> i < same ? first + i : -first - i);
        return token;
    }

    private static BlockTable table(BlockPool pool, int[] token) {
        return new BlockTable(pool, token, "");
    }

    /// The sequence 100, 101 … of which the first `same` tokens are so, the others its own.
    private BlockTable table(int same) {
        return table(pool, tokens(100, same));
    }

    private static BlockTable compute(BlockTable table, int tokens) {
        assertEquals(0, table.open(tokens, tokens, 0));
        table.plan(tokens);
        table.append(tokens - table.length());
        table.checkInvariants();
        return table;
    }

    @Test
    void open_prefixThatIsHeld_sharesItsFullBlocks() {
        BlockTable first = compute(table(40), 11);
        BlockTable second = table(40);
        assertEquals(0, second.open(11, 11, 0));
        assertEquals(8, second.length());
        assertEquals(8, second.sharedTokens());
        assertEquals(first.block(0), second.block(0));
        assertEquals(first.block(1), second.block(1));
        assertNotEquals(first.block(2), second.block(2));
        assertEquals(2, pool.shared());
        assertEquals(BlockTable.NO_SLOT, second.slot(7));
        assertEquals(second.block(2) * 4L, second.slot(8));
        assertTrue(second.prefixStands());
        second.append(3);
        assertEquals(8 + 3 + 3, pool.tokensInUse());
        pool.checkInvariants();
    }

    @Test
    void open_prefixThatIsCached_takesItBack() {
        compute(table(40), 11).release();
        assertEquals(2, pool.cached());
        BlockTable second = table(40);
        assertEquals(0, second.open(11, 11, 0));
        assertEquals(8, second.length());
        assertEquals(0, pool.cached());
        assertEquals(0, pool.evictions());
        assertEquals(8, pool.tokensInUse());
        pool.checkInvariants();
    }

    @Test
    void open_laterTokenDiffers_sharesWhatIsBeforeItsBlock() {
        compute(table(40), 16);
        BlockTable second = table(9);
        assertEquals(0, second.open(16, 16, 0));
        assertEquals(8, second.length());
        BlockTable third = table(3);
        assertEquals(0, third.open(12, 12, 0));
        assertEquals(0, third.length());
    }

    @Test
    void open_shareableTokensOnly_areShared() {
        compute(table(40), 16);
        BlockTable second = table(40);
        assertEquals(0, second.open(16, 11, 0));
        assertEquals(8, second.length());
        BlockTable third = table(40);
        assertEquals(0, third.open(16, 0, 0));
        assertEquals(0, third.length());
        assertEquals(1, pool.refCount(third.block(0)));
    }

    @Test
    void open_saltsThatDiffer_shareNothing() {
        compute(new BlockTable(pool, tokens(100, 40), "mine"), 8);
        var yours = new BlockTable(pool, tokens(100, 40), "yours");
        yours.open(8, 8, 0);
        assertEquals(0, yours.length());
        var mine = new BlockTable(pool, tokens(100, 40), "mine");
        mine.open(8, 8, 0);
        assertEquals(7, mine.length());
    }

    @Test
    void open_hashesThatCollide_shareNothing() {
        var colliding = new BlockPool(8, 4, new PrefixIndex(8, 4, (parent, token, from, count) -> 1));
        compute(table(colliding, tokens(100, 40)), 8);
        BlockTable tokensDiffer = table(colliding, tokens(200, 40));
        tokensDiffer.open(8, 8, 0);
        assertEquals(0, tokensDiffer.length());
        var saltDiffers = new BlockTable(colliding, tokens(100, 40), "salt");
        saltDiffers.open(8, 8, 0);
        assertEquals(0, saltDiffers.length());
        BlockTable same = table(colliding, tokens(100, 40));
        same.open(8, 8, 0);
        assertEquals(7, same.length());
    }

    @Test
    void open_hash_isChainedFromTheSaltsRoot() {
        var parents = new ArrayList<Long>();
        BlockHash.Function function = (parent, token, from, count) -> {
            parents.add(parent);
            return 1000 + from;
        };
        var chained = new BlockPool(8, 4, new PrefixIndex(8, 4, function));
        compute(new BlockTable(chained, tokens(100, 40), "salt"), 13);
        assertEquals(List.of(BlockHash.root("salt"), 1000L, 1004L), parents); // each once
    }

    @Test
    void open_parentEvictedAndComputedAgain_doesNotFindTheOldChild() {
        var small = new BlockPool(4, 4, new PrefixIndex(4, 4, (parent, token, from, count) -> 1));
        // Two alike, since neither was told to share: the second holds a copy of block 0 and the entry of block 1.
        BlockTable first = table(small, tokens(100, 40));
        first.open(4, 0, 0);
        first.append(4);
        BlockTable second = table(small, tokens(100, 40));
        second.open(8, 0, 0);
        second.append(8);
        int child = second.block(1);
        first.release();
        assertEquals(0, small.allocate(2, new int[2], 0)); // the parent's entry is gone, its child is held
        assertTrue(small.index().contains(child));
        second.release();
        BlockTable third = table(small, tokens(100, 40));
        third.open(4, 4, 0);
        assertEquals(0, third.length());
        third.append(4); // the parent again, with another generation
        BlockTable fourth = table(small, tokens(100, 40));
        assertEquals(1, small.cached());
        assertEquals(0, fourth.open(8, 8, 0));
        assertEquals(4, fourth.length());
        assertEquals(third.block(0), fourth.block(0));
        fourth.append(4);
        small.checkInvariants();
        fourth.checkInvariants();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4})
    void open_everythingFound_computesOneTokenAndWritesNone(int blockSize) {
        var any = new BlockPool(12, blockSize, new PrefixIndex(12, blockSize));
        compute(table(any, tokens(100, 40)), 8).release();
        BlockTable second = table(any, tokens(100, 40));
        assertEquals(0, second.open(8, 8, 0));
        assertEquals(7, second.length());
        assertEquals(8, second.sharedTokens());
        assertEquals(BlockTable.NO_SLOT, second.slot(7));
        second.checkInvariants();
        assertEquals(0, second.reserve(8, copies));
        second.plan(8);
        second.append(1);
        assertEquals(8, any.tokensInUse());
        assertEquals(8 / blockSize, any.inUse());
        assertEquals(0, second.reserve(9, copies));
        assertNotEquals(BlockTable.NO_SLOT, second.slot(8));
        second.append(1);
        assertEquals(0, copies.count());
        second.checkInvariants();
        any.checkInvariants();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4})
    void fork_beforeTheOneTokenOfAFullHit_writesNoneEither(int blockSize) {
        var any = new BlockPool(12, blockSize, new PrefixIndex(12, blockSize));
        compute(table(any, tokens(100, 40)), 8).release();
        BlockTable second = table(any, tokens(100, 40));
        second.open(8, 8, 0);
        BlockTable child = table(any, tokens(100, 40));
        second.fork(child);
        for (BlockTable each : List.of(second, child)) {
            assertEquals(0, each.reserve(8, copies));
            assertEquals(BlockTable.NO_SLOT, each.slot(7));
            each.append(1);
            each.checkInvariants();
        }
        assertEquals(0, copies.count());
        assertEquals(8 / blockSize, any.inUse());
    }

    @Test
    void open_notEnoughBlocksBesideTheCachedOnes_changesNothing() {
        compute(table(40), 16).release();
        pool.allocate(8, new int[8], 0);
        assertEquals(4, pool.cached());
        BlockTable second = table(40);
        assertEquals(1, second.open(17, 17, 0)); // four found, none left for the fifth
        assertEquals(2, second.open(17, 17, 1));
        assertEquals(4, pool.cached());
        assertEquals(0, second.blocks());
        assertEquals(0, second.open(16, 16, 0));
        pool.checkInvariants();
    }

    @Test
    void append_blocksFilledByDecoding_areFoundLater() {
        BlockTable first = table(40);
        compute(first, 6);
        assertEquals(1, pool.index().size());
        for (int tokens = 7; tokens <= 13; tokens++) {
            first.reserve(tokens, copies);
            first.append(1);
        }
        assertEquals(3, pool.index().size());
        first.release();
        BlockTable next = table(40);
        next.open(20, 20, 0);
        assertEquals(12, next.length());
    }

    @Test
    void append_blockEqualToOneOfAnother_isNotIndexedTwice() {
        BlockTable first = table(40);
        first.open(8, 8, 0);
        BlockTable second = table(40);
        second.open(8, 8, 0); // neither had planned yet
        first.plan(8);
        second.plan(8);
        assertEquals(2, pool.index().size());
        second.append(8);
        assertTrue(pool.index().pending(first.block(0)));
        first.append(8);
        assertFalse(pool.index().pending(first.block(0)));
        assertFalse(pool.index().contains(second.block(0)));
        second.release();
        assertEquals(0, pool.cached());
        first.release();
        assertEquals(2, pool.cached());
        pool.checkInvariants();
    }

    @Test
    void append_afterAnEqualBlock_isFoundBehindIt() {
        BlockTable first = compute(table(40), 8);
        BlockTable second = table(40);
        second.open(12, 0, 0);
        second.append(12);
        BlockTable third = table(40);
        third.open(13, 13, 0);
        assertEquals(first.block(1), third.block(1));
        assertEquals(second.block(2), third.block(2));
        assertEquals(12, third.length());
    }

    @Test
    void eviction_takesUnhashedBlocksFirstThenTailsBeforePrefixes() {
        BlockTable first = compute(table(40), 12); // blocks 0, 1, 2
        BlockTable second = compute(table(pool, tokens(500, 40)), 10); // 3, 4 and a tail in 5
        first.release();
        second.release();
        int[] taken = new int[12];
        pool.allocate(12, taken, 0);
        assertEquals(5, taken[0]); // warm and unhashed
        assertEquals(
                List.of(2, 1, 0, 4, 3), Arrays.stream(taken).skip(7).boxed().toList());
        assertEquals(5, pool.evictions());
        assertEquals(0, pool.index().size());
    }

    @Test
    void eviction_usedAgain_isLastInLine() {
        compute(table(40), 8).release();
        compute(table(pool, tokens(500, 40)), 8).release();
        BlockTable again = table(40);
        again.open(8, 8, 0);
        int prefix = again.block(0);
        int tail = again.block(1);
        again.append(1);
        again.release();
        int[] taken = new int[12];
        pool.allocate(12, taken, 0);
        assertEquals(
                List.of(tail, prefix), Arrays.stream(taken).skip(10).boxed().toList());
    }

    @Test
    void eviction_ofATail_leavesThePrefixToBeFound() {
        compute(table(40), 12).release();
        pool.allocate(10, new int[10], 0); // nine free ones and the tail
        BlockTable next = table(40);
        assertEquals(1, next.open(12, 12, 0));
        assertEquals(0, next.open(8, 8, 0));
        assertEquals(7, next.length());
    }

    @Test
    void forget_blocksOfAFailedSequence_areFoundByNobody() {
        compute(table(40), 8);
        BlockTable failed = table(40);
        failed.open(16, 16, 0);
        failed.append(8);
        assertEquals(4, pool.index().size());
        failed.forget();
        failed.release();
        assertEquals(2, pool.index().size()); // those that it had found stay
        assertEquals(0, pool.cached());
        pool.checkInvariants();
    }

    @Test
    void off_sharesNothingAndCachesNothing() {
        var plain = new BlockPool(12, 4);
        BlockTable first = compute(table(plain, tokens(100, 40)), 8);
        BlockTable second = compute(table(plain, tokens(100, 40)), 8);
        assertEquals(0, plain.shared());
        first.release();
        second.release();
        assertEquals(12, plain.free());
        plain.checkInvariants();
    }

    @Test
    void tableWithoutTokens_inAPoolWithAnIndex_isNeverIndexed() {
        var hidden = new BlockTable(pool, 40);
        compute(hidden, 16);
        assertEquals(0, pool.index().size());
        hidden.release();
        assertEquals(0, pool.cached());
    }

    @Test
    void checkInvariants_entryThatTheTableDoesNotKnow_isCorruptState() {
        BlockTable first = compute(table(40), 6);
        pool.index().add(first.block(1), 1, PrefixIndex.ROOT, new int[4], 0, "", true);
        var e = assertThrows(CorruptStateException.class, first::checkInvariants);
        assertEquals(
                "held block must have no entry but the linked one: index=1, block=1, generation=2, linked=1, settled=1",
                e.getMessage());
    }
}
