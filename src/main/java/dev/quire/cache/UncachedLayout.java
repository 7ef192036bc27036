package dev.quire.cache;

/// Nothing is kept: a sequence's blocks are scratch, taken for its whole context in each step and given back after
/// it. What generation costs without a cache; the pool's peak says what it takes all the same.
public record UncachedLayout(BlockPool pool, BlockTransfers transfers) implements CacheLayout {
    public UncachedLayout(BlockPool pool) {
        this(pool, BlockTransfers.none(pool));
    }

    @Override
    public boolean keeps() {
        return false;
    }

    @Override
    public SequenceBlocks sequence(int[] token, int maxTokens, String salt) {
        return new BlockTable(pool, maxTokens);
    }

    @Override
    public int mostBlocks(int maxTokens) {
        return pool.blocksFor(maxTokens);
    }

    @Override
    public int forkBlocks(int shared, int tokens, int maxTokens) {
        return 0;
    }

    @Override
    public int moreBlocks(int tokens, int maxTokens) {
        return pool.blocksFor(maxTokens) - pool.blocksFor(tokens);
    }

    @Override
    public int mostForkBlocks(int tokens, int maxTokens) {
        return pool.blocksFor(maxTokens);
    }

    /// A compaction may move every block.
    @Override
    public int mostCopies(int sequences) {
        return sequences + pool.blocks();
    }

    @Override
    public void checkInvariants() {
        pool.checkInvariants();
    }
}
