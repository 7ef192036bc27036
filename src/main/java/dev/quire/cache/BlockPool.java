package dev.quire.cache;

/// The fixed set of KV blocks, ids 0 … blocks - 1: who is free, and how many tables hold each of the others.
///
/// Allocation is all or nothing and O(1) a block. A block that nobody holds is in the free queue; allocation takes the
/// one that was released longest ago. Blocks that are still shared after their release (prefix cache) and blocks under
/// a copy come with their features; today every block is either free or in use.
///
/// Invariants (`checkInvariants`): `free + inUse = blocks`; a block is in the free queue exactly when its reference
/// count is 0. Not thread-safe: the engine thread owns it.
public final class BlockPool {
    private final int blockSize;
    private final int[] refCount; // [blocks] tables that hold the block
    private final FreeQueue freeQueue;

    /// A pool of `blocks` blocks of `blockSize` tokens, all free; the first allocation takes block 0.
    public BlockPool(int blocks, int blockSize) {
        if (blocks <= 0 || blockSize <= 0) {
            throw new IllegalArgumentException(
                    "blocks and blockSize must be positive: blocks=" + blocks + ", blockSize=" + blockSize);
        }
        this.blockSize = blockSize;
        refCount = new int[blocks];
        freeQueue = new FreeQueue(blocks);
        for (int block = 0; block < blocks; block++) {
            freeQueue.addLast(block);
        }
    }

    public int blocks() {
        return refCount.length;
    }

    /// Tokens per block.
    public int blockSize() {
        return blockSize;
    }

    /// Blocks that can be allocated now.
    public int free() {
        return freeQueue.size();
    }

    /// Blocks that at least one table holds.
    public int inUse() {
        return blocks() - free();
    }

    /// Blocks that hold `tokens` tokens.
    public int blocksFor(int tokens) {
        return Math.ceilDiv(tokens, blockSize);
    }

    public int refCount(int block) {
        return refCount[checked(block)];
    }

    /// Takes `count` free blocks into `destination[offset …]`, each with one reference. Returns 0, or how many blocks
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
            int block = freeQueue.removeFirst();
            // Thrown, not asserted: a block with a holder would show one user another's context.
            if (refCount[block] != 0) {
                throw new CorruptStateException(
                        "free block must have no reference: block=" + block + ", refCount=" + refCount[block]);
            }
            refCount[block] = 1;
            destination[offset + i] = block;
        }
        return 0;
    }

    /// Drops a reference. The last one puts the block at the head of the free queue: it is warm and holds nothing that
    /// could be shared.
    public void release(int block) {
        checked(block);
        // Thrown, not asserted: a double release would hand one user's context to another.
        if (refCount[block] == 0) {
            throw new IllegalStateException("block must be in use: block=" + block);
        }
        if (--refCount[block] == 0) {
            freeQueue.addFirst(block);
        }
    }

    private int checked(int block) {
        if (block < 0 || block >= refCount.length) {
            throw new IllegalArgumentException(
                    "block must be in the pool: block=" + block + ", blocks=" + refCount.length);
        }
        return block;
    }

    /// Throws if the pool contradicts itself: after each operation in tests, when the engine falls idle in production.
    public void checkInvariants() {
        freeQueue.checkInvariants();
        for (int block = 0; block < refCount.length; block++) {
            if (refCount[block] < 0 || freeQueue.contains(block) != (refCount[block] == 0)) {
                throw new CorruptStateException("block must be free exactly when nobody holds it: block=" + block
                        + ", refCount=" + refCount[block] + ", free=" + freeQueue.contains(block));
            }
        }
    }
}
