package dev.quire.cache;

/// Moves runs of adjacent blocks towards low ids until one of a wanted length can be had.
///
/// Each run in turn, in the order of its blocks, is given back and takes the lowest place that fits: never above
/// the one it had. By first or best fit all that is free then lies in one piece behind the last run. Of buddies, no
/// two free runs of one size are left that have buddies at all, so in a pool of a power of two blocks the longest is
/// as long as it can be. One pass is enough: what a run leaves behind lies above all that come before it. So a pass
/// that moves nothing ends it, and it cannot go on for ever.
///
/// A run that slides down by less than its length is copied in ascending order, onto blocks that were copied
/// before. Cost of a pass: O(blocks + runs²).
///
/// Invariants (`checkInvariants`): each run is known at its first block. Not thread-safe: the engine thread owns it.
final class RunCompaction {
    private final BlockPool pool;
    private final RunAllocator runs;
    private final CompactionLimits limits;
    private final BlockRun[] run; // [blocks] the one that begins here, or null
    private boolean begun; // for one that waits, and not yet ended

    RunCompaction(BlockPool pool, RunAllocator runs, CompactionLimits limits) {
        this.pool = pool;
        this.runs = runs;
        this.limits = limits;
        run = new BlockRun[pool.blocks()];
    }

    CompactionLimits limits() {
        return limits;
    }

    void add(BlockRun added) {
        run[added.first()] = added;
    }

    void remove(int first) {
        run[first] = null;
    }

    /// Makes room for a run of `count` blocks at once, if enough are available and they lie too far apart; copies
    /// `most` blocks for that, at most, but always a whole run. Returns whether the run can be had now.
    boolean makeRoom(int count, int most, BlockCopies copies) {
        if (!fits(count) && wanting(count)) {
            int before = copies.count();
            lower(runs.rounded(count), most, copies);
            pool.moves().add(copies.count() - before, true);
        }
        return fits(count);
    }

    /// The same from step to step: what is begun goes on though the fragmentation has fallen below the threshold,
    /// until the run can be had or nothing is left to move. With a count of 0 nobody wants a run.
    void goOn(int count, int most, BlockCopies copies) {
        if (count == 0 || fits(count) || !(begun || wanting(count))) {
            begun = false;
            return;
        }
        int before = copies.count();
        boolean more = lower(runs.rounded(count), most, copies);
        pool.moves().add(copies.count() - before, !begun);
        begun = more && !fits(count);
    }

    /// Whether enough blocks are available, and lie too far apart.
    private boolean wanting(int count) {
        return runs.rounded(count) <= pool.available()
                && Fragmentation.ratio(runs.longestFree(), pool.available()) > limits.threshold();
    }

    boolean fits(int count) {
        return runs.longestFree() >= runs.rounded(count);
    }

    /// Lowers runs until one of `wanted` blocks is free; false if nothing is left to lower.
    boolean lower(int wanted, int most, BlockCopies copies) {
        int before = copies.count();
        boolean moved = false;
        int blocks;
        for (int first = 0; first < run.length; first += blocks) {
            BlockRun each = run[first];
            blocks = each == null ? 1 : each.blocks(); // a move leaves nothing that begins among them
            if (each == null) {
                continue;
            }
            int tokenBlocks = pool.blocksFor(each.length());
            if (tokenBlocks > copies.room() || (moved && copies.count() - before + tokenBlocks > most)) {
                return true;
            }
            if (lower(each, tokenBlocks, copies)) {
                moved = true;
                if (runs.longestFree() >= wanted) {
                    return true;
                }
            }
        }
        return false;
    }

    private boolean lower(BlockRun each, int tokenBlocks, BlockCopies copies) {
        int from = each.first();
        int blocks = each.blocks();
        runs.release(from);
        int to = runs.allocateLowest(blocks);
        if (to > from || to == RunAllocator.NONE) {
            throw new CorruptStateException("a run must find its own place: first=" + from + ", found=" + to);
        }
        if (to == from) {
            return false;
        }
        for (int i = 0; i < blocks; i++) {
            pool.move(from + i, to + i);
        }
        for (int i = 0; i < tokenBlocks; i++) {
            copies.add(from + i, to + i);
        }
        run[from] = null;
        run[to] = each;
        each.moved(to);
        return true;
    }

    void checkInvariants() {
        int held = 0;
        for (int first = 0; first < run.length; first++) {
            if (run[first] == null) {
                continue;
            }
            held += run[first].blocks();
            if (run[first].first() != first || runs.size(first) != run[first].blocks()) {
                throw new CorruptStateException("a run must be known at its first block: first=" + first + ", found="
                        + run[first].first() + ", blocks=" + run[first].blocks() + ", size=" + runs.size(first));
            }
        }
        if (held + runs.free() != run.length) {
            throw new CorruptStateException(
                    "every run must be known: held=" + held + ", free=" + runs.free() + ", blocks=" + run.length);
        }
    }
}
