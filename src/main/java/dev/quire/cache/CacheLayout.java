package dev.quire.cache;

/// How sequences get their blocks.
public sealed interface CacheLayout permits PagedLayout, ContiguousLayout, UncachedLayout {
    /// Who holds which block.
    BlockPool pool();

    /// Whether a sequence keeps its blocks from step to step.
    default boolean keeps() {
        return true;
    }

    /// Whether a fork shares blocks, and so takes none before it writes.
    default boolean shares() {
        return false;
    }

    /// Where the sequence in `token` will keep its blocks, of at most `maxTokens` tokens; none yet. The array
    /// stays the caller's, who adds to it: of n tokens that are told, the first n elements are there and never
    /// change. `salt` keeps those apart who must not share.
    SequenceBlocks sequence(int[] token, int maxTokens, String salt);

    /// Blocks that a sequence of at most `maxTokens` tokens holds at its longest: no pool with fewer can serve it.
    int mostBlocks(int maxTokens);

    /// Tokens of the longest sequence that the pool can hold.
    default long mostTokens() {
        return (long) pool().blocks() * pool().blockSize();
    }

    /// Blocks that `width` sequences of at most `maxTokens` tokens, of which they have the first `shared` in common,
    /// hold at their longest when each is forked there.
    default int mostBlocks(int maxTokens, int shared, int width) {
        return mostBlocks(maxTokens) + Math.multiplyExact(width - 1, mostForkBlocks(shared, maxTokens));
    }

    /// Blocks that a fork of a sequence of `tokens` tokens takes as soon as it writes.
    default int forkBlocks(int tokens, int maxTokens) {
        return forkBlocks(tokens, tokens, maxTokens);
    }

    /// Blocks that a sequence of `tokens` tokens takes besides those of another that it is a fork of, up to its first
    /// `shared` tokens; as soon as it writes, if these are all.
    int forkBlocks(int shared, int tokens, int maxTokens);

    /// Blocks that a sequence of `tokens` tokens may come to hold besides those for them, if it gets `maxTokens`
    /// long.
    int moreBlocks(int tokens, int maxTokens);

    /// Blocks that a fork of such a sequence may come to hold and not share.
    int mostForkBlocks(int tokens, int maxTokens);

    /// Most copies that a step of `sequences` sequences can ask for.
    int mostCopies(int sequences);

    /// Blocks of the longest run of adjacent ones that nobody holds, free or cached: what could be had in one piece
    /// if cached ones are evicted. O(blocks): not for every step.
    default int longestFree() {
        return pool().freeQueue().longestRun();
    }

    /// Slots that nobody holds and that cannot be had all the same.
    default long externalTokens() {
        return 0;
    }

    /// Before a step is planned: goes on to make room for a sequence that an earlier plan could not start though
    /// enough blocks were free. What must be copied for that is added to `copies`.
    default void makeRoom(BlockCopies copies) {}

    /// Copies to and from the swap space.
    BlockTransfers transfers();

    /// Throws if bookkeeping contradicts itself: after each operation in tests, when the engine falls idle in
    /// production.
    void checkInvariants();
}
