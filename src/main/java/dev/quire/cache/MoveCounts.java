package dev.quire.cache;

/// What compactions have done since the start. Not thread-safe: the engine thread owns it.
public final class MoveCounts {
    private long compactions;
    private long blocks;

    /// Compactions that moved something.
    public long compactions() {
        return compactions;
    }

    /// Blocks that were copied for that.
    public long blocks() {
        return blocks;
    }

    /// `copied` blocks more are moved, `first` in a compaction that had moved none before.
    void add(int copied, boolean first) {
        compactions += first && copied > 0 ? 1 : 0;
        blocks += copied;
    }
}
