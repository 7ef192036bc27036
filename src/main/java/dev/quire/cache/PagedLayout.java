package dev.quire.cache;

/// Blocks from anywhere, as tokens need them, shared where they are equal (PagedAttention, arXiv 2309.06180), with
/// room elsewhere for those that must give way (section 4.5 there).
public record PagedLayout(BlockPool pool, SwapSpace space, BlockTransfers transfers) implements CacheLayout {
    /// Without a swap space.
    public PagedLayout(BlockPool pool) {
        this(pool, new SwapSpace(0));
    }

    public PagedLayout(BlockPool pool, SwapSpace space) {
        this(pool, space, new BlockTransfers(pool, space));
    }

    @Override
    public boolean shares() {
        return true;
    }

    @Override
    public SequenceBlocks sequence(int[] token, int maxTokens, String salt) {
        return new BlockTable(this, token, maxTokens, salt);
    }

    @Override
    public int mostBlocks(int maxTokens) {
        return pool.blocksFor(maxTokens);
    }

    /// The copy of a partly filled block, and what comes behind it.
    @Override
    public int forkBlocks(int shared, int tokens, int maxTokens) {
        return pool.blocksFor(tokens) - shared / pool.blockSize();
    }

    @Override
    public int moreBlocks(int tokens, int maxTokens) {
        return pool.blocksFor(maxTokens) - pool.blocksFor(tokens);
    }

    @Override
    public int mostForkBlocks(int tokens, int maxTokens) {
        return pool.blocksFor(maxTokens) - tokens / pool.blockSize();
    }

    /// A sequence writes into one block that others may hold; a compaction may move every block.
    @Override
    public int mostCopies(int sequences) {
        return sequences + pool.blocks();
    }

    @Override
    public void checkInvariants() {
        pool.checkInvariants();
        space.checkInvariants();
    }
}
