package dev.quire.cache;

/// Who gets which run of adjacent blocks: what caches did before paging, where a sequence's keys and values had to
/// lie in one piece (PagedAttention, arXiv 2309.06180, section 3.1).
///
/// Invariants (`checkInvariants`): runs do not overlap; free neighbours that may merge have merged; `free` counts
/// what is in no run. Not thread-safe: the engine thread owns it.
public sealed interface RunAllocator permits FitAllocator, BuddyAllocator {
    /// No run of that length is free.
    int NONE = -1;

    /// How a run is chosen.
    enum Policy {
        /// The lowest that is long enough.
        FIRST_FIT,
        /// The shortest that is long enough; the lowest of several.
        BEST_FIT,
        /// Sizes are powers of two; a run splits into halves, which merge with each other and nobody else
        /// (Knowlton, CACM 8(10), 1965).
        BUDDY
    }

    /// An allocator of `blocks` blocks, all free.
    static RunAllocator of(Policy policy, int blocks) {
        return switch (policy) {
            case FIRST_FIT -> new FitAllocator(blocks, false);
            case BEST_FIT -> new FitAllocator(blocks, true);
            case BUDDY -> new BuddyAllocator(blocks);
        };
    }

    /// Blocks that are in no run.
    int free();

    /// Blocks of the longest run that could be had now.
    int longestFree();

    /// Blocks that a run for `count` blocks has: as many, or the next power of two.
    int rounded(int count);

    /// Takes a run of at least `count` adjacent blocks; returns its first, or `NONE`: then nothing has changed.
    int allocate(int count);

    /// The same, but always the lowest place, whatever the policy: for runs that are moved together.
    int allocateLowest(int count);

    /// Blocks of the run that begins at `first`: what was asked for, or the next power of two.
    int size(int first);

    /// Gives the run that begins at `first` back.
    void release(int first);

    /// Throws if the allocator contradicts itself.
    void checkInvariants();

    private static IllegalArgumentException refusal(String what, String values) {
        return new IllegalArgumentException(what + ": " + values);
    }

    /// `count`, if a run can have it.
    static int checkedCount(int count) {
        if (count <= 0) {
            throw refusal("run must have blocks", "count=" + count);
        }
        return count;
    }

    /// `blocks`, if there can be an allocator of it.
    static int checkedBlocks(int blocks) {
        if (blocks <= 0) {
            throw refusal("blocks must be positive", "blocks=" + blocks);
        }
        return blocks;
    }

    /// For a block at which no run begins.
    static IllegalArgumentException noRun(int first, int blocks) {
        return refusal("block must begin a run that is taken", "block=" + first + ", blocks=" + blocks);
    }
}
