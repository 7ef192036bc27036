package dev.quire.cache;

/// The blocks of one sequence as one run of adjacent blocks, reserved when it starts: what systems did before
/// paging. Nothing is shared; a fork copies. A sequence that outgrows its reservation gets a run of twice the
/// size, and its blocks are copied there.
///
/// Invariants (`checkInvariants`): `length <= capacity`; every block of the run is in use and held by this run
/// alone; what a compaction moves is told (`moved`). Not thread-safe: the engine thread owns it.
public final class BlockRun implements SequenceBlocks {
    private final ContiguousLayout layout;
    private final int maxTokens;
    private int first;
    private int blocks;
    private int length;
    private boolean missed; // a run, though enough blocks were free
    private boolean outgrown; // its run, without finding another

    /// An empty run for a sequence of at most `maxTokens` tokens.
    BlockRun(ContiguousLayout layout, int maxTokens) {
        if (maxTokens <= 0) {
            throw new IllegalArgumentException("maxTokens must be positive: maxTokens=" + maxTokens);
        }
        this.layout = layout;
        this.maxTokens = maxTokens;
    }

    @Override
    public int blocks() {
        return blocks;
    }

    @Override
    public int length() {
        return length;
    }

    @Override
    public int capacity() {
        return blocks * layout.pool().blockSize();
    }

    /// Most tokens the sequence can get.
    int maxTokens() {
        return maxTokens;
    }

    int first() {
        return first;
    }

    @Override
    public int sharedTokens() {
        return 0;
    }

    @Override
    public int open(int tokens, int shareable, int spare) {
        if (blocks > 0) {
            throw new IllegalStateException("run must be empty: blocks=" + blocks);
        }
        int wanted = layout.reservation(checked(tokens), maxTokens);
        if (spare < 0) {
            throw new IllegalArgumentException("spare must not be negative: spare=" + spare);
        }
        long missing = (long) layout.rounded(wanted) + spare - layout.pool().available();
        if (missing > 0) {
            return Math.clamp(missing, 1, Integer.MAX_VALUE);
        }
        int lacking = take(wanted);
        if (lacking > 0) {
            miss(wanted);
            layout.want(wanted);
        }
        return lacking;
    }

    @Override
    public int reserve(int tokens, BlockCopies copies) {
        int needed = layout.pool().blocksFor(checked(tokens));
        if (needed <= blocks) {
            return 0;
        }
        if (blocks == 0) {
            return take(layout.reservation(tokens, maxTokens));
        }
        int grown = Math.min(layout.pool().blocksFor(maxTokens), Math.max(needed, 2 * blocks));
        int missing = grow(grown, copies);
        if (missing > 0 && grown > needed) {
            missing = grow(needed, copies);
        }
        if (missing > 0 && layout.makeRoomToGrow(needed, copies)) {
            missing = grow(needed, copies);
        }
        if (missing > 0) {
            miss(needed);
            if (!outgrown) {
                outgrown = true;
                layout.outgrew();
            }
        }
        return missing;
    }

    /// Moves to a run of `count` blocks. Returns 0, or the blocks that were missing: then nothing has changed.
    private int grow(int count, BlockCopies copies) {
        if (copies.room() < layout.pool().blocksFor(length)) {
            return 1; // too many others were copied in this step
        }
        int before = first;
        int held = blocks;
        int missing = take(count);
        if (missing == 0) {
            copy(before, first, copies);
            layout.giveBack(before, held);
            layout.relocated();
        }
        return missing;
    }

    /// It finds no run of `count` blocks.
    private void miss(int count) {
        if (!missed && layout.rounded(count) <= layout.pool().available()) {
            missed = true;
            layout.missed();
        }
    }

    /// A compaction has moved it: it begins at `to`.
    void moved(int to) {
        first = to;
    }

    /// Takes a run; this one's place is lost. Returns 0, or the blocks that were missing: then nothing has
    /// changed.
    private int take(int count) {
        int run = layout.take(count);
        if (run == RunAllocator.NONE) {
            return Math.max(1, count - layout.longestFree());
        }
        first = run;
        blocks = layout.size(run);
        missed = false;
        outgrown = false;
        layout.took(this);
        int blockSize = layout.pool().blockSize();
        for (int i = maxTokens / blockSize; i < blocks; i++) {
            layout.pool().limit(first + i, Math.min(blockSize, (i + 1) * blockSize - maxTokens));
        }
        return 0;
    }

    /// Copies the blocks that hold tokens.
    private void copy(int from, int to, BlockCopies copies) {
        int used = layout.pool().blocksFor(length);
        for (int i = 0; i < used; i++) {
            copies.add(from + i, to + i);
            layout.pool().log().add(BlockLog.Kind.COPIED, from + i, to + i);
            layout.pool().fill(to + i, layout.pool().used(from + i));
        }
    }

    private int checked(int tokens) {
        if (tokens <= 0 || tokens > maxTokens) {
            throw new IllegalArgumentException(
                    "tokens must fit the run: tokens=" + tokens + ", maxTokens=" + maxTokens);
        }
        return tokens;
    }

    /// Nothing to announce: nobody shares.
    @Override
    public void plan(int tokens) {}

    @Override
    public boolean prefixStands() {
        return true;
    }

    @Override
    public void append(int tokens) {
        if (tokens < 0 || tokens > capacity() - length) {
            throw new IllegalStateException("append must fit the reserved blocks: tokens=" + tokens + ", length="
                    + length + ", capacity=" + capacity());
        }
        int blockSize = layout.pool().blockSize();
        int end = length + tokens;
        for (int at = length; at < end; at += blockSize - at % blockSize) {
            layout.pool().fill(first + at / blockSize, Math.min(blockSize, end - at / blockSize * blockSize));
        }
        length = end;
    }

    @Override
    public int fork(SequenceBlocks child, int tokens, BlockCopies copies) {
        if (!(child instanceof BlockRun run)
                || run.layout != layout
                || run.length > 0
                || (run.blocks > 0 ? run.capacity() : run.maxTokens) < length) {
            throw new IllegalStateException("fork must go to an empty run of the same layout that has room: length="
                    + length + ", child.blocks=" + child.blocks());
        }
        if (copies.room() < layout.pool().blocksFor(length)) {
            return 1; // too many others were copied in this step
        }
        int wanted = layout.reservation(Math.max(length, tokens), run.maxTokens);
        int missing = run.blocks > 0 ? 0 : run.take(wanted);
        if (missing > 0
                && layout.makeRoomForFork(wanted, copies)
                && copies.room() >= layout.pool().blocksFor(length)) {
            missing = run.take(wanted);
        }
        if (missing > 0) {
            run.miss(wanted);
            return missing;
        }
        copy(first, run.first, copies);
        run.length = length;
        return 0;
    }

    @Override
    public int block(int index) {
        if (index < 0 || index >= blocks) {
            throw new IllegalArgumentException("index must be below blocks: index=" + index + ", blocks=" + blocks);
        }
        return first + index;
    }

    @Override
    public long slot(int position) {
        if (position < 0 || position >= capacity()) {
            throw new IllegalArgumentException(
                    "position must lie in a reserved block: position=" + position + ", capacity=" + capacity());
        }
        return (long) first * layout.pool().blockSize() + position;
    }

    @Override
    public void forget() {}

    @Override
    public void release() {
        if (blocks > 0) {
            layout.giveBack(first, blocks);
        }
        blocks = 0;
        length = 0;
        missed = false;
        outgrown = false;
    }

    @Override
    public void checkInvariants() {
        if (length < 0 || length > capacity()) {
            throw new CorruptStateException(
                    "run must have room for its tokens: length=" + length + ", capacity=" + capacity());
        }
        for (int i = 0; i < blocks; i++) {
            if (layout.pool().refCount(first + i) != 1) {
                throw new CorruptStateException("block of a run must be its own: block=" + (first + i) + ", refCount="
                        + layout.pool().refCount(first + i));
            }
        }
    }
}
