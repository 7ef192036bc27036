package dev.quire.cache;

/// What a cache's slots are wasted on, in tokens (PagedAttention, arXiv 2309.06180, section 3.1), and how far its
/// free blocks lie apart.
///
/// - `reservedTokens`: slots held for tokens that a sequence may still get
/// - `internalTokens`: slots held that nobody can ever use: beyond the longest that the sequence can get; those of
///   a shared block once
/// - `externalTokens`: slots that nobody holds and that cannot be had: in the contiguous layout those outside the
///   longest free run, in the others none, since any block will do. Blocks in transit are not among them: they can
///   be had soon
/// - `longestFree`: blocks of the longest run of adjacent ones that nobody holds, free or cached; `available`: all
///   of those. A cached block counts, for it is evicted when it is taken: with the free ones alone, an idle server
///   would look fragmented as soon as its prefix cache is full, and compaction would throw good entries away. In
///   the contiguous layout a run is what its allocator would give
///
/// `reserved + internal + tokens stored = slots held`.
public record Fragmentation(
        long reservedTokens, long internalTokens, long externalTokens, int longestFree, int available) {
    /// O(blocks); in the contiguous layout O(runs).
    public static Fragmentation of(CacheLayout layout) {
        BlockPool pool = layout.pool();
        return new Fragmentation(
                pool.reservedTokens(),
                pool.internalTokens(),
                layout.externalTokens(),
                layout.longestFree(),
                pool.available());
    }

    /// `1 - longest free run / blocks that nobody holds`; 0 if there is none.
    public double ratio() {
        return ratio(longestFree, available);
    }

    static double ratio(int longestFree, int available) {
        return available == 0 ? 0 : 1 - (double) longestFree / available;
    }
}
