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
    private final RunCompaction compaction;
    private final Reserve reserve;
    private final int contextLength;
    private final int estimate;
    private final int longest; // blocks of the longest run of an empty pool
    private int wanted; // blocks of a run that a waiting sequence could not have though enough were free; or 0
    private int copied; // blocks, to make room for forks, since the last plan began
    private int hurried; // the same for those that run
    private long relocations;
    private long misses;
    private long outgrown;

    /// A layout of `pool`'s blocks, which must all be free and without a prefix index. `contextLength`: the
    /// model's longest sequence; `estimate`: tokens that a sequence is expected to add to those it starts with.
    public ContiguousLayout(
            BlockPool pool, RunAllocator.Policy policy, Reserve reserve, int contextLength, int estimate) {
        this(pool, policy, reserve, contextLength, estimate, CompactionLimits.NEVER);
    }

    /// The same, with room made within `limits` when a run is needed and not to be had.
    public ContiguousLayout(
            BlockPool pool,
            RunAllocator.Policy policy,
            Reserve reserve,
            int contextLength,
            int estimate,
            CompactionLimits limits) {
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
        compaction = new RunCompaction(pool, runs, limits);
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

    /// Every block may have to move: for a fork; for one that waits; for those that outgrow their runs; and with
    /// these.
    @Override
    public int mostCopies(int sequences) {
        return 4 * pool.blocks();
    }

    /// Runs that were copied to a larger place, since the start.
    public long relocations() {
        return relocations;
    }

    void relocated() {
        relocations++;
    }

    /// Times that a sequence found no run though enough blocks were free, since the start; once until it has one.
    public long misses() {
        return misses;
    }

    void missed() {
        misses++;
    }

    /// Sequences that outgrew their run and found no other, since the start: they or others had to give way.
    public long outgrown() {
        return outgrown;
    }

    void outgrew() {
        outgrown++;
    }

    /// Blocks of the longest run that could be had now.
    @Override
    public int longestFree() {
        return runs.longestFree();
    }

    /// Those outside the longest free run.
    @Override
    public long externalTokens() {
        return (long) (pool.available() - longestFree()) * pool.blockSize();
    }

    /// A run of `count` blocks is wanted by a sequence that waits: the next plans make room for it.
    void want(int count) {
        wanted = count;
    }

    @Override
    public void makeRoom(BlockCopies copies) {
        if (copied < compaction.limits().copies()) {
            compaction.goOn(wanted, compaction.limits().copies() - copied, copies);
        }
        wanted = 0;
        copied = 0;
        hurried = 0;
    }

    /// Makes room for the run of a fork, within what may be copied between two steps. Returns whether it can be
    /// had.
    boolean makeRoomForFork(int count, BlockCopies copies) {
        int before = copies.count();
        boolean made = copied < compaction.limits().copies()
                && compaction.makeRoom(count, compaction.limits().copies() - copied, copies);
        copied += copies.count() - before;
        return made;
    }

    /// The same at once for a sequence that runs and outgrows its run, which is copied whole anyway: it is not made
    /// to wait, and nobody has to give way. In one plan no more is copied for that than all blocks, once.
    boolean makeRoomToGrow(int count, BlockCopies copies) {
        int before = copies.count();
        boolean made = hurried < pool.blocks() && compaction.makeRoom(count, pool.blocks() - hurried, copies);
        hurried += copies.count() - before;
        return made;
    }

    /// One round of a compaction that was asked for; false if nothing is left to lower.
    boolean lower(BlockCopies copies) {
        return compaction.lower(Integer.MAX_VALUE, compaction.limits().copies(), copies);
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

    /// `run` begins where `take` said.
    void took(BlockRun run) {
        compaction.add(run);
    }

    /// The run of `blocks` blocks from `first` is free again.
    void giveBack(int first, int blocks) {
        compaction.remove(first);
        for (int i = blocks - 1; i >= 0; i--) {
            pool.release(first + i);
        }
        runs.release(first);
    }

    @Override
    public void checkInvariants() {
        pool.checkInvariants();
        runs.checkInvariants();
        compaction.checkInvariants();
        if (runs.free() != pool.free()) {
            throw new CorruptStateException("a block must be in use exactly when a run has it: runs.free=" + runs.free()
                    + ", pool.free=" + pool.free());
        }
    }
}
