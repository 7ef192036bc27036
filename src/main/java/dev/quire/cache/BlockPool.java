package dev.quire.cache;

import java.util.Arrays;
import java.util.OptionalLong;

/// The fixed set of KV blocks, ids 0 … blocks - 1: how many tables hold each, and in which order the others are
/// taken.
///
/// A block is *in use* while a table holds it. When the last one lets go it is *cached* if the prefix index has an
/// entry for it, else *free*: cached blocks wait at the end of the queue for somebody who shares them, free ones
/// go to its head. Allocation takes the head, and with it the entry of a cached block: so the queue is the LRU
/// list of the cache, and eviction is what happens to a cached block when it is taken.
///
/// Allocation is all or nothing and O(1) a block. Invariants (`checkInvariants`): `free + cached + inUse =
/// blocks`; a block is in the queue exactly when nobody holds it; the counters say what the blocks say. Not
/// thread-safe: the engine thread owns it.
public final class BlockPool {
    /// Where a block is.
    public enum State {
        /// Nobody holds it, and it holds nothing worth sharing.
        FREE,
        /// Nobody holds it; it is kept for whoever shares its prefix.
        CACHED,
        /// At least one table holds it.
        IN_USE,
        /// Under a copy to or from the swap space, held or not.
        IN_TRANSIT
    }

    private static final long NEVER = Long.MIN_VALUE;

    private final int blockSize;
    private final PrefixIndex index;
    private final int[] refCount; // [blocks] tables that hold the block
    private final int[] used; // [blocks] tokens in it, those of a cached block too
    private final int[] unusable; // [blocks] slots of a held block that no holder can ever fill
    private final boolean[] moving; // [blocks] under a copy to or from the swap space
    private final long[] lastUse; // [blocks] when the last table let go of it, or NEVER
    private final FreeQueue freeQueue;
    private final BlockLog log = new BlockLog();
    private int inTransit;
    private int leaving;
    private int cached;
    private int shared;
    private int peak;
    private long references;
    private long tokensInUse;
    private long internalTokens;
    private long evictions;
    private long copies;
    private long now;
    private final MoveCounts moves = new MoveCounts();

    /// A pool of `blocks` blocks of `blockSize` tokens, all free, without a prefix cache; the first allocation
    /// takes block 0.
    public BlockPool(int blocks, int blockSize) {
        this(blocks, blockSize, PrefixIndex.off());
    }

    /// The same with `index`, which must have been made for as many blocks of that size, or be off.
    public BlockPool(int blocks, int blockSize, PrefixIndex index) {
        if (blocks <= 0 || blockSize <= 0) {
            throw new IllegalArgumentException(
                    "blocks and blockSize must be positive: blocks=" + blocks + ", blockSize=" + blockSize);
        }
        if (index.on() && (index.blocks() != blocks || index.blockSize() != blockSize || index.size() > 0)) {
            throw new IllegalArgumentException("index must be empty and made for the pool: blocks=" + blocks
                    + ", blockSize=" + blockSize + ", index.blocks=" + index.blocks() + ", index.blockSize="
                    + index.blockSize() + ", index.size=" + index.size());
        }
        this.blockSize = blockSize;
        this.index = index;
        refCount = new int[blocks];
        used = new int[blocks];
        unusable = new int[blocks];
        moving = new boolean[blocks];
        lastUse = new long[blocks];
        Arrays.fill(lastUse, NEVER);
        freeQueue = new FreeQueue(blocks);
        for (int block = 0; block < blocks; block++) {
            freeQueue.addBehindFront(block);
        }
    }

    public int blocks() {
        return refCount.length;
    }

    /// Tokens per block.
    public int blockSize() {
        return blockSize;
    }

    /// Who finds shared prefixes.
    public PrefixIndex index() {
        return index;
    }

    /// What becomes of the blocks, for whoever wants to know.
    public BlockLog log() {
        return log;
    }

    /// Blocks that nobody holds and that hold nothing worth sharing.
    public int free() {
        return freeQueue.size() - cached;
    }

    /// Blocks that nobody holds, kept for whoever shares their prefix.
    public int cached() {
        return cached;
    }

    /// Blocks that can be allocated now: free and cached ones.
    public int available() {
        return freeQueue.size();
    }

    /// Blocks that at least one table holds and that are not in transit.
    public int inUse() {
        return blocks() - freeQueue.size() - inTransit;
    }

    /// Blocks under a copy to or from the swap space.
    public int inTransit() {
        return inTransit;
    }

    /// Blocks of those that nobody holds: available when their copy is done.
    public int leaving() {
        return leaving;
    }

    /// Most blocks that were in use at once.
    public int peak() {
        return peak;
    }

    /// Blocks that at least two tables hold.
    public int shared() {
        return shared;
    }

    /// Blocks that would be in use besides if nothing were shared.
    public long saved() {
        return references - held();
    }

    /// Blocks that somebody holds, those on their way back from the swap space too.
    private int held() {
        return inUse() + inTransit - leaving;
    }

    /// Tokens in the blocks in use, those of a shared block once.
    public long tokensInUse() {
        return tokensInUse;
    }

    /// Slots of held blocks that nobody can ever fill, those of a shared block once.
    public long internalTokens() {
        return internalTokens;
    }

    /// Slots of held blocks that hold no token and may still get one.
    public long reservedTokens() {
        return (long) held() * blockSize - tokensInUse - internalTokens;
    }

    /// Blocks that nobody holds.
    FreeQueue freeQueue() {
        return freeQueue;
    }

    /// What compactions have moved.
    public MoveCounts moves() {
        return moves;
    }

    /// Cached blocks that were taken for something else, since the start.
    public long evictions() {
        return evictions;
    }

    /// Blocks that were copied before a write, since the start.
    public long copies() {
        return copies;
    }

    /// Blocks that hold `tokens` tokens.
    public int blocksFor(int tokens) {
        return Math.ceilDiv(tokens, blockSize);
    }

    public int refCount(int block) {
        return refCount[checked(block)];
    }

    /// Tokens in a block that is in use or cached.
    public int used(int block) {
        return used[checked(block)];
    }

    public State state(int block) {
        if (moving(checked(block))) {
            return State.IN_TRANSIT;
        }
        if (refCount[block] > 0) {
            return State.IN_USE;
        }
        return index.contains(block) ? State.CACHED : State.FREE;
    }

    /// Says what time it is, on a clock of the caller's: once a step is enough, and the pool reads none itself.
    public void clock(long reading) {
        now = reading;
    }

    /// What `clock` last said.
    public long now() {
        return now;
    }

    /// When the last table let go of a block that nobody holds, on the caller's clock; empty if none ever had it.
    public OptionalLong lastUse(int block) {
        return lastUse[checked(block)] == NEVER ? OptionalLong.empty() : OptionalLong.of(lastUse[block]);
    }

    /// Takes `count` blocks into `destination[offset …]`, each with one reference. Returns 0, or how many blocks
    /// were missing: then nothing has changed.
    public int allocate(int count, int[] destination, int offset) {
        if (count < 0 || offset < 0 || destination.length - offset < count) {
            throw new IllegalArgumentException("destination must hold the blocks: count=" + count + ", offset=" + offset
                    + ", length=" + destination.length);
        }
        int missing = count - freeQueue.size();
        if (missing > 0) {
            return missing;
        }
        for (int i = 0; i < count; i++) {
            destination[offset + i] = take();
            log.add(BlockLog.Kind.ALLOCATED, destination[offset + i], 1);
        }
        return 0;
    }

    private int take() {
        int block = freeQueue.removeFirst();
        taken(block);
        return block;
    }

    /// Takes this very block, which nobody may hold.
    void take(int block) {
        freeQueue.remove(checked(block));
        taken(block);
        log.add(BlockLog.Kind.ALLOCATED, block, 1);
    }

    private void taken(int block) {
        // Thrown, not asserted: a block with a holder would show one user another's context.
        if (refCount[block] != 0) {
            throw new CorruptStateException(
                    "free block must have no reference: block=" + block + ", refCount=" + refCount[block]);
        }
        evict(block);
        refCount[block] = 1;
        references++;
        peak = Math.max(peak, inUse());
    }

    /// What a cached block holds is lost.
    private void evict(int block) {
        if (index.contains(block)) {
            index.remove(block);
            cached--;
            evictions++;
            used[block] = 0;
            log.add(BlockLog.Kind.EVICTED, block, 0);
        }
    }

    /// Whether nobody holds `block` and it may be taken: it is free or cached.
    boolean available(int block) {
        return freeQueue.contains(checked(block));
    }

    /// All that is known of `from`, which is held and not in transit, is true of `to` from now on, which must be
    /// available: its references, its tokens, its entry in the index with the same generation, so that the entries
    /// after it stay good. The caller copies the bytes and tells those who hold it.
    void move(int from, int to) {
        // Thrown, not asserted: what is moved here is somebody's context.
        if (refCount[checked(from)] == 0 || moving(from) || index.pending(from) || !available(to)) {
            throw new CorruptStateException("a held block must be moved to one that is available: from=" + from
                    + ", refCount=" + refCount[from] + ", moving=" + moving(from) + ", pending=" + index.pending(from)
                    + ", to=" + to + ", available=" + available(to));
        }
        freeQueue.remove(to);
        evict(to);
        refCount[to] = refCount[from];
        used[to] = used[from];
        unusable[to] = unusable[from];
        if (index.contains(from)) {
            index.move(from, to);
        }
        refCount[from] = 0;
        lastUse[from] = now;
        used[from] = 0;
        unusable[from] = 0;
        log.moved(from, to);
        freeQueue.addBehindFront(from); // not to be taken next, or whoever takes one would undo the compaction
    }

    /// Takes a block for a copy of `source`, which the caller has yet to make; one must be available.
    int copy(int source) {
        int block = take();
        fill(block, used[source]);
        copies++;
        log.add(BlockLog.Kind.ALLOCATED, block, 1);
        log.add(BlockLog.Kind.COPIED, source, block);
        return block;
    }

    /// The one holder of `block` lets go of it, since it is about to be copied away: nobody may take it until
    /// then.
    void depart(int block) {
        if (refCount[checked(block)] != 1 || moving[block]) {
            throw new CorruptStateException("departing block must have one holder: block=" + block + ", refCount="
                    + refCount[block] + ", moving=" + moving[block]);
        }
        refCount[block] = 0;
        lastUse[block] = now;
        references--;
        tokensInUse -= used[block];
        limit(block, 0);
        moving[block] = true;
        inTransit++;
        leaving++;
    }

    /// Takes a block that is about to be filled with `tokens` tokens from elsewhere; one must be available.
    int arrive(int tokens) {
        int block = take();
        fill(block, tokens);
        moving[block] = true;
        inTransit++;
        return block;
    }

    /// Whether `block` is in transit.
    boolean moving(int block) {
        return inTransit > 0 && moving[block]; // mostly none is, and then no line of memory is read
    }

    /// The copy of a block in transit is done: it is in use, or, if nobody holds it, to be taken.
    void landed(int block) {
        if (!moving[block]) {
            throw new CorruptStateException("landed block must be in transit: block=" + block);
        }
        moving[block] = false;
        inTransit--;
        if (refCount[block] == 0) {
            leaving--;
            putBack(block);
        } else {
            peak = Math.max(peak, inUse());
        }
    }

    /// Adds a reference to a block that is in use or cached.
    void retain(int block) {
        checked(block);
        if (refCount[block] == 0) {
            if (!index.contains(block)) {
                throw new CorruptStateException("shared block must be in use or cached: block=" + block);
            }
            if (moving(block)) {
                leaving--;
            } else {
                freeQueue.remove(block);
                cached--;
            }
            tokensInUse += used[block];
            peak = Math.max(peak, inUse());
        } else if (refCount[block] == 1) {
            shared++;
        }
        refCount[block]++;
        references++;
        log.add(BlockLog.Kind.SHARED, block, refCount[block]);
    }

    /// Drops a reference. Without another one, the block goes to the end of the queue if it can be shared again,
    /// else to its head: it is warm and holds nothing.
    public void release(int block) {
        checked(block);
        // Thrown, not asserted: a double release would hand one user's context to another.
        if (refCount[block] == 0) {
            throw new IllegalStateException("block must be in use: block=" + block);
        }
        references--;
        refCount[block]--;
        log.add(BlockLog.Kind.RELEASED, block, refCount[block]);
        if (refCount[block] == 1) {
            shared--;
        } else if (refCount[block] == 0) {
            lastUse[block] = now;
            tokensInUse -= used[block];
            limit(block, 0);
            if (moving(block)) {
                leaving++;
            } else {
                putBack(block);
            }
        }
    }

    private void putBack(int block) {
        if (index.contains(block)) {
            cached++;
            freeQueue.addLast(block);
        } else {
            used[block] = 0;
            freeQueue.addFirst(block);
        }
    }

    /// Says that a block in use holds `tokens` tokens now.
    void fill(int block, int tokens) {
        tokensInUse += tokens - used[block];
        used[block] = tokens;
    }

    /// Says that nobody can ever fill `slots` slots of a block in use.
    void limit(int block, int slots) {
        internalTokens += slots - unusable[block];
        unusable[block] = slots;
    }

    /// Slots of `block` that nobody can ever fill.
    int unusable(int block) {
        return unusable[block];
    }

    private int checked(int block) {
        if (block < 0 || block >= refCount.length) {
            throw new IllegalArgumentException(
                    "block must be in the pool: block=" + block + ", blocks=" + refCount.length);
        }
        return block;
    }

    /// Throws if the pool contradicts itself: after each operation in tests, when the engine falls idle in
    /// production.
    public void checkInvariants() {
        freeQueue.checkInvariants();
        index.checkInvariants();
        int waiting = 0;
        int several = 0;
        int transit = 0;
        int gone = 0;
        long held = 0;
        long tokens = 0;
        long beyond = 0;
        for (int block = 0; block < refCount.length; block++) {
            checkBlock(block);
            beyond += unusable[block];
            waiting += refCount[block] == 0 && !moving[block] && index.contains(block) ? 1 : 0;
            transit += moving[block] ? 1 : 0;
            gone += moving[block] && refCount[block] == 0 ? 1 : 0;
            several += refCount[block] > 1 ? 1 : 0;
            held += refCount[block];
            tokens += refCount[block] > 0 ? used[block] : 0;
        }
        if (waiting != cached
                || transit != inTransit
                || gone != leaving
                || several != shared
                || held != references
                || tokens != tokensInUse
                || beyond != internalTokens) {
            throw new CorruptStateException("counters must say what the blocks say: cached=" + cached + ", counted="
                    + waiting + ", inTransit=" + inTransit + ", counted=" + transit + ", shared=" + shared
                    + ", counted=" + several + ", references=" + references
                    + ", counted=" + held + ", tokensInUse=" + tokensInUse + ", counted=" + tokens + ", internalTokens="
                    + internalTokens + ", counted=" + beyond);
        }
    }

    private void checkBlock(int block) {
        if (refCount[block] < 0 || freeQueue.contains(block) != (refCount[block] == 0 && !moving[block])) {
            throw new CorruptStateException("block must be free exactly when nobody holds it: block=" + block
                    + ", refCount=" + refCount[block] + ", free=" + freeQueue.contains(block));
        }
        boolean kept = refCount[block] > 0 || moving[block] || index.contains(block);
        if (used[block] < 0 || used[block] > blockSize || (!kept && used[block] != 0)) {
            throw new CorruptStateException("block must hold at most its size, and nothing when free: block=" + block
                    + ", used=" + used[block] + ", blockSize=" + blockSize);
        }
        if (unusable[block] < 0 || unusable[block] > (refCount[block] == 0 ? 0 : blockSize - used[block])) {
            throw new CorruptStateException("slots beyond the longest must be a held block's, and hold nothing: block="
                    + block + ", refCount=" + refCount[block] + ", used=" + used[block] + ", unusable="
                    + unusable[block]);
        }
        boolean pending = index.pending(block);
        if (pending ? refCount[block] == 0 : index.contains(block) && used[block] != blockSize) {
            throw new CorruptStateException("indexed block must be full, or pending and in use: block=" + block
                    + ", refCount=" + refCount[block] + ", used=" + used[block] + ", pending=" + pending);
        }
    }
}
