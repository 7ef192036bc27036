package dev.quire.engine;

import dev.quire.cache.BlockPool;
import dev.quire.cache.CacheLayout;
import dev.quire.cache.ContiguousLayout;
import dev.quire.cache.MoveCounts;
import dev.quire.engine.StatsBoard.Entry;
import java.util.concurrent.TimeUnit;

/// Writes on the board what slots are wasted on, and how far free blocks lie apart.
///
/// All is cheap but for the longest free run where blocks come from anywhere: O(blocks). It is looked for once a
/// second while somebody holds blocks, and after blocks were moved; nobody needs it in between.
///
/// Not thread-safe: the engine thread owns it.
final class FragmentationGauge {
    private static final long INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final CacheLayout layout;
    private final BlockPool pool;
    private final MoveCounts moves;
    private long measuredNanos;
    private long measuredMoves = -1; // never yet
    private int longestFree;
    private int available;

    FragmentationGauge(CacheLayout layout) {
        this.layout = layout;
        pool = layout.pool();
        moves = pool.moves();
    }

    /// Within an update of `stats`; `nowNanos` is `System.nanoTime()`'s.
    void put(StatsBoard stats, long nowNanos) {
        measure(nowNanos);
        stats.put(Entry.RESERVED_TOKENS, pool.reservedTokens());
        stats.put(Entry.INTERNAL_TOKENS, pool.internalTokens());
        stats.put(Entry.LONGEST_FREE, longestFree);
        stats.put(Entry.LONGEST_FREE_OF, available);
        stats.put(Entry.COMPACTIONS, moves.compactions());
        stats.put(Entry.BLOCKS_MOVED, moves.blocks());
        if (layout instanceof ContiguousLayout runs) {
            stats.put(Entry.EXTERNAL_TOKENS, runs.externalTokens());
            stats.put(Entry.RELOCATIONS, runs.relocations());
            stats.put(Entry.RUNS_MISSED, runs.misses());
            stats.put(Entry.RUNS_OUTGROWN, runs.outgrown());
        }
    }

    private void measure(long nowNanos) {
        boolean empty = pool.available() == pool.blocks();
        boolean due = measuredMoves != moves.blocks() || nowNanos - measuredNanos >= INTERVAL_NANOS;
        if (layout instanceof ContiguousLayout) {
            longestFree = layout.longestFree();
        } else if (empty) {
            longestFree = pool.blocks();
        } else if (due) {
            longestFree = layout.longestFree();
            measuredNanos = nowNanos;
            measuredMoves = moves.blocks();
        } else {
            return;
        }
        available = pool.available();
    }
}
