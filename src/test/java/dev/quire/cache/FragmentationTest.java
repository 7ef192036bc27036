package dev.quire.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.quire.cache.ContiguousLayout.Reserve;
import dev.quire.cache.RunAllocator.Policy;
import org.junit.jupiter.api.Test;

/// What slots are wasted on, worked out by hand for blocks of 16 tokens. The simulator counts it again, block by
/// block, after every step of its workloads.
class FragmentationTest {
    private static SequenceBlocks holding(CacheLayout layout, int tokens, int maxTokens) {
        int[] token = new int[maxTokens];
        token[0] = tokens; // so that prompts of different lengths share nothing
        SequenceBlocks blocks = layout.sequence(token, maxTokens, "");
        assertEquals(0, blocks.open(tokens, tokens, 0));
        blocks.plan(tokens);
        blocks.append(tokens - blocks.length());
        return blocks;
    }

    private static Fragmentation of(CacheLayout layout) {
        layout.checkInvariants();
        Fragmentation fragmentation = Fragmentation.of(layout);
        BlockPool pool = layout.pool();
        assertEquals(
                (long) (pool.inUse() + pool.inTransit() - pool.leaving()) * pool.blockSize(),
                fragmentation.reservedTokens() + fragmentation.internalTokens() + pool.tokensInUse());
        return fragmentation;
    }

    @Test
    void emptyPool_wastesNothing_inAnyLayout() {
        assertEquals(new Fragmentation(0, 0, 0, 8, 8), of(new PagedLayout(new BlockPool(8, 16))));
        assertEquals(new Fragmentation(0, 0, 0, 8, 8), of(new UncachedLayout(new BlockPool(8, 16))));
        assertEquals(new Fragmentation(0, 0, 0, 8, 8), of(contiguous(8, Policy.FIRST_FIT, Reserve.REQUEST)));
    }

    private static ContiguousLayout contiguous(int blocks, Policy policy, Reserve reserve) {
        return new ContiguousLayout(new BlockPool(blocks, 16), policy, reserve, 100, 16);
    }

    /// A paged sequence holds the rest of its last block, of which it can use all (100 tokens to come), or two slots
    /// (22 at most, of 32).
    @Test
    void paged_wastesTheRestOfTheLastBlock() {
        var layout = new PagedLayout(new BlockPool(20, 16));
        SequenceBlocks longer = holding(layout, 20, 100);
        assertEquals(new Fragmentation(12, 0, 0, 18, 18), of(layout));
        SequenceBlocks shorter = holding(layout, 20, 22);
        assertEquals(new Fragmentation(14, 10, 0, 16, 16), of(layout));
        longer.release(); // 0, 1: two runs of free blocks, 2 and 16 long
        Fragmentation apart = of(layout);
        assertEquals(new Fragmentation(2, 10, 0, 16, 18), apart);
        assertEquals(1 - 16 / 18.0, apart.ratio());
        shorter.release();
        assertEquals(new Fragmentation(0, 0, 0, 20, 20), of(layout));
    }

    @Test
    void lastBlock_thatComesWithDecoding_isCountedThen() {
        var layout = new UncachedLayout(new BlockPool(20, 16));
        SequenceBlocks blocks = holding(layout, 16, 30);
        assertEquals(new Fragmentation(0, 0, 0, 19, 19), of(layout));
        assertEquals(0, blocks.reserve(17, new BlockCopies(1)));
        assertEquals(new Fragmentation(14, 2, 0, 18, 18), of(layout));
        blocks.append(1);
        assertEquals(new Fragmentation(13, 2, 0, 18, 18), of(layout));
    }

    @Test
    void sharedBlock_isCountedOnce_andByWhoeverGetsFurther() {
        var layout = new PagedLayout(new BlockPool(20, 16));
        SequenceBlocks parent = holding(layout, 20, 22);
        SequenceBlocks child = layout.sequence(new int[22], 22, "");
        var copies = new BlockCopies(2);
        assertEquals(0, parent.fork(child, copies));
        assertEquals(new Fragmentation(2, 10, 0, 18, 18), of(layout));
        SequenceBlocks further = layout.sequence(new int[30], 30, "");
        assertEquals(0, parent.fork(further, copies));
        assertEquals(new Fragmentation(10, 2, 0, 18, 18), of(layout));
        assertEquals(0, child.reserve(21, copies)); // a copy of its own
        assertEquals(new Fragmentation(12, 12, 0, 17, 17), of(layout));
    }

    /// What is cached is evicted when it is taken: an idle server with a full prefix cache is not fragmented.
    @Test
    void cachedBlocks_areFreeRuns() {
        var layout = new PagedLayout(new BlockPool(8, 16, new PrefixIndex(8, 16)));
        SequenceBlocks first = holding(layout, 32, 40);
        SequenceBlocks second = holding(layout, 33, 40);
        first.release();
        assertEquals(2, layout.pool().cached());
        assertEquals(new Fragmentation(7, 8, 0, 3, 5), of(layout));
        second.release();
        assertEquals(new Fragmentation(0, 0, 0, 8, 8), of(layout));
        assertEquals(0, of(layout).ratio());
    }

    @Test
    void noneFree_isNotFragmented() {
        var layout = new PagedLayout(new BlockPool(2, 16));
        holding(layout, 32, 32);
        assertEquals(new Fragmentation(0, 0, 0, 0, 0), of(layout));
        assertEquals(0, of(layout).ratio());
    }

    /// Blocks that leave are nobody's, and cannot be had yet; those that come back are held.
    @Test
    void blocksInTransit_areNeitherFreeNorWaste_untilTheyAreHeld() {
        var layout = new PagedLayout(new BlockPool(6, 16), new SwapSpace(4));
        SequenceBlocks blocks = holding(layout, 20, 22);
        assertEquals(2, blocks.swapOut());
        assertEquals(new Fragmentation(0, 0, 0, 4, 4), of(layout));
        layout.transfers().begun(2, 1);
        layout.transfers().done();
        assertEquals(new Fragmentation(0, 0, 0, 6, 6), of(layout));
        assertEquals(0, blocks.swapIn(0));
        assertEquals(new Fragmentation(2, 10, 0, 4, 4), of(layout));
    }

    /// 100 tokens at most; the model's reservation of 100 is 7 blocks, 12 slots beyond; a sequence of 60 can never
    /// use 52 of those 112.
    @Test
    void contiguous_wastesWhatIsReserved_andWhatLiesBetween() {
        ContiguousLayout layout = contiguous(16, Policy.FIRST_FIT, Reserve.MODEL);
        SequenceBlocks first = holding(layout, 50, 100);
        assertEquals(new Fragmentation(50, 12, 0, 9, 9), of(layout));
        SequenceBlocks second = holding(layout, 50, 60);
        assertEquals(new Fragmentation(60, 64, 0, 2, 2), of(layout));
        first.release(); // 7 free at the front, 2 at the end
        Fragmentation apart = of(layout);
        assertEquals(new Fragmentation(10, 52, 32, 7, 9), apart);
        assertEquals(1 - 7 / 9.0, apart.ratio());
        second.release();
        assertEquals(new Fragmentation(0, 0, 0, 16, 16), of(layout));
    }

    @Test
    void contiguous_estimate_isReservedAndNotInternal() {
        ContiguousLayout layout = contiguous(16, Policy.FIRST_FIT, Reserve.ESTIMATE);
        SequenceBlocks blocks = holding(layout, 20, 100); // 36 tokens: 3 blocks
        assertEquals(new Fragmentation(28, 0, 0, 13, 13), of(layout));
        assertEquals(0, blocks.reserve(95, new BlockCopies(4))); // 6 blocks
        assertEquals(new Fragmentation(76, 0, 48, 7, 10), of(layout));
    }

    /// Of buddies a run is what they would give: 4 of the 5 that are free behind one of 3 that has got 4.
    @Test
    void buddies_wasteWhatTheyRoundUp_andCannotMerge() {
        ContiguousLayout layout = contiguous(9, Policy.BUDDY, Reserve.REQUEST);
        holding(layout, 40, 40);
        assertEquals(new Fragmentation(0, 24, 16, 4, 5), of(layout));
    }
}
