package dev.quire.cache;

/// One run of adjacent blocks for each sequence, reserved when it starts.
///
/// Invariants (`checkInvariants`): a block is in use exactly when a run has it. Not thread-safe: the engine thread
/// owns it.
public final class ContiguousLayout implements CacheLayout {
    /// What a sequence reserves when it starts.
    public enum Reserve {
        /// Room for the longest sequence that the model allows, as the first servers did.
        MODEL,
        /// Room for the longest that the request can get.
        REQUEST,
        /// Room for its tokens and a declared estimate of what comes.
        ESTIMATE
    }

    private final BlockPool pool;
    private final BlockTransfers transfers;
    private final RunAllocator runs;
    private final Reserve reserve;
    private final int contextLength;
    private final int estimate;
    private final int longest; // blocks of the longest run of an empty pool
    private long relocations;

    /// A layout of `pool`'s blocks, which must all be free and without a prefix index. `contextLength`: the
    /// model's longest sequence; `estimate`: tokens that a sequence is expected to add to those it starts with.
    public ContiguousLayout(
            BlockPool pool, RunAllocator.Policy policy, Reserve reserve, int contextLength, int estimate) {
        if (pool.free() != pool.blocks() || pool.index().on()) {
            throw new IllegalArgumentException("pool must be free and without an index: free=" + pool.free()
                    + ", blocks=" + pool.blocks() + ", index=" + pool.index().on());
        }
        if (contextLength <= 0 || estimate < 0) {
            throw new IllegalArgumentException(
                    "contextLength must be positive and estimate not negative: contextLength=" + contextLength
                            + ", estimate=" + estimate);
        }
        this.pool = pool;
        this.transfers = BlockTransfers.none(pool);
        this.runs = RunAllocator.of(policy, pool.blocks());
        this.reserve = reserve;
        this.contextLength = contextLength;
        this.estimate = estimate;
        longest = runs.longestFree();
    }

    @Override
    public long mostTokens() {
        return (long) longest * pool.blockSize();
    }

    @Override
    public BlockPool pool() {
        return pool;
    }

    /// Nothing is swapped: a run would have to come back in one piece.
    @Override
    public BlockTransfers transfers() {
        return transfers;
    }

    @Override
    public SequenceBlocks sequence(int[] token, int maxTokens, String salt) {
        return new BlockRun(this, maxTokens);
    }

    /// Blocks that a sequence of `tokens` tokens reserves, which can get `maxTokens` long.
    int reservation(int tokens, int maxTokens) {
        return pool.blocksFor(
                switch (reserve) {
                    case MODEL -> Math.max(maxTokens, contextLength);
                    case REQUEST -> maxTokens;
                    case ESTIMATE -> (int) Math.min(maxTokens, (long) tokens + estimate);
                });
    }

    @Override
    public int mostBlocks(int maxTokens) {
        return runs.rounded(Math.max(pool.blocksFor(maxTokens), reservation(maxTokens, maxTokens)));
    }

    /// A run of its own.
    @Override
    public int forkBlocks(int shared, int tokens, int maxTokens) {
        return runs.rounded(reservation(tokens, maxTokens));
    }

    /// One that outgrows its estimate needs a second run for as long as it is copied.
    @Override
    public int moreBlocks(int tokens, int maxTokens) {
        return reserve == Reserve.ESTIMATE ? mostBlocks(maxTokens) : 0;
    }

    @Override
    public int mostForkBlocks(int tokens, int maxTokens) {
        return mostBlocks(maxTokens);
    }

    /// Every block may have to move, for a fork and then for one that has outgrown its run.
    @Override
    public int mostCopies(int sequences) {
        return 2 * pool.blocks();
    }

    /// Runs that were copied to a larger place, since the start.
    public long relocations() {
        return relocations;
    }

    void relocated() {
        relocations++;
    }

    /// Blocks of the longest run that could be had now.
    public int longestFree() {
        return runs.longestFree();
    }

    int rounded(int count) {
        return runs.rounded(count);
    }

    int size(int first) {
        return runs.size(first);
    }

    /// A run of at least `count` blocks, in use from now on; or `RunAllocator.NONE`.
    int take(int count) {
        int first = runs.allocate(count);
        for (int i = 0; first != RunAllocator.NONE && i < runs.size(first); i++) {
            pool.take(first + i);
        }
        return first;
    }

    /// The run of `blocks` blocks from `first` is free again.
    void giveBack(int first, int blocks) {
        for (int i = blocks - 1; i >= 0; i--) {
            pool.release(first + i);
        }
        runs.release(first);
    }

    @Override
    public void checkInvariants() {
        pool.checkInvariants();
        runs.checkInvariants();
        if (runs.free() != pool.free()) {
            throw new CorruptStateException("a block must be in use exactly when a run has it: runs.free=" + runs.free()
                    + ", pool.free=" + pool.free());
        }
    }
}
