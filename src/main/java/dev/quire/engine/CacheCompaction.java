package dev.quire.engine;

/// What became of a compaction that was asked for.
///
/// - `threshold`: fragmentation above which blocks are moved; `before`, `after`: what it was, 0 to 1
/// - `blocksMoved`: blocks copied; `cachedEvicted`: cached ones that had to make room
public record CacheCompaction(double threshold, double before, double after, long blocksMoved, long cachedEvicted) {
    /// Whether anything was to be moved at all.
    public boolean needed() {
        return before > threshold;
    }
}
