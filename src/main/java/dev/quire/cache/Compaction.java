package dev.quire.cache;

import java.util.Arrays;

/// Moves what is held towards low ids, so that what nobody holds lies in one piece: asked for by a person, and done
/// between steps, a bounded number of copies at a time, so that nobody who runs is held up.
///
/// In the paged layout (and where nothing is kept) two pointers go towards each other, the lowest block that nobody
/// holds and the highest that somebody does: the second moves into the first until they meet. Neither pointer ever
/// turns, so it ends whatever is taken meanwhile, after O(blocks) in all. A cached block in the way is evicted, not
/// moved; one in transit stays where it is. Each round tells the pool and the index, then every table that holds a
/// block must be shown to `rewrite`, then `settle` makes sure that none was forgotten.
///
/// In the contiguous layout runs are lowered one after the other (`RunCompaction`), and know it themselves.
///
/// Not thread-safe: the engine thread owns it.
public final class Compaction {
    /// The block has not moved.
    static final int NONE = -1;

    private final CacheLayout layout;
    private final BlockPool pool;
    private final CompactionLimits limits;
    private final double before;
    private final int[] moved; // [blocks] where a block has gone in this round, or NONE
    private final int[] source; // [copies] of this round
    private int count; // of this round
    private int entries; // of tables, that this round has to rewrite still
    private int low;
    private int high;
    private long movedBlocks;
    private long evictedBlocks;
    private boolean done;

    /// To be done in rounds; done already if the fragmentation is not above the threshold.
    public Compaction(CacheLayout layout, CompactionLimits limits) {
        this.layout = layout;
        this.limits = limits;
        pool = layout.pool();
        before = ratio();
        done = before <= limits.threshold();
        moved = new int[done ? 0 : pool.blocks()];
        Arrays.fill(moved, NONE);
        source = new int[limits.copies()];
        high = pool.blocks() - 1;
        if (!done) {
            pool.freeQueue()
                    .sortFront(block -> !pool.index().contains(block)); // who takes blocks meanwhile takes low ones
        }
    }

    private double ratio() {
        return Fragmentation.ratio(layout.longestFree(), pool.available());
    }

    /// Fragmentation when it began.
    public double before() {
        return before;
    }

    /// Fragmentation now.
    public double after() {
        return ratio();
    }

    /// Blocks copied so far.
    public long movedBlocks() {
        return movedBlocks;
    }

    /// Cached blocks that had to make room.
    public long evictedBlocks() {
        return evictedBlocks;
    }

    /// Whether nothing is left to move.
    public boolean done() {
        return done;
    }

    /// One round, between two steps. What must be copied before the next one is added to `copies`. Returns whether
    /// tables must be rewritten.
    public boolean move(BlockCopies copies) {
        if (entries > 0) {
            throw new IllegalStateException("the last round must be settled: entries=" + entries);
        }
        if (done) {
            return false;
        }
        int copied = copies.count();
        long evicted = pool.evictions();
        if (layout instanceof ContiguousLayout runs) {
            done = !runs.lower(copies);
        } else {
            moveBlocks(copies);
        }
        copied = copies.count() - copied;
        pool.moves().add(copied, movedBlocks == 0);
        movedBlocks += copied;
        evictedBlocks += pool.evictions() - evicted;
        return count > 0;
    }

    private void moveBlocks(BlockCopies copies) {
        while (count < source.length && copies.room() > 0) {
            while (low < high && !pool.available(low)) {
                low++;
            }
            while (low < high && (pool.refCount(high) == 0 || pool.moving(high))) {
                high--;
            }
            if (low >= high) {
                done = true;
                return;
            }
            pool.move(high, low);
            copies.add(high, low);
            moved[high] = low;
            entries += pool.refCount(low);
            source[count++] = high--;
            low++;
        }
    }

    /// Tells a table where its blocks are now.
    public void rewrite(SequenceBlocks blocks) {
        if (blocks instanceof BlockTable table) {
            entries -= table.rewrite(moved);
        }
    }

    /// Every table has been shown. Throws if one was forgotten: it would read what is no longer its own.
    public void settle() {
        if (entries != 0) {
            throw new CorruptStateException("every table must know of a move: entries=" + entries + ", moved=" + count);
        }
        for (int i = 0; i < count; i++) {
            moved[source[i]] = NONE;
        }
        count = 0;
    }
}
