package dev.quire.cache;

/// The blocks of one sequence in position order, and how many tokens they hold.
///
/// Slots are reserved before a step (`reserve`: whole blocks, all or nothing) and filled as tokens are computed
/// (`append`). The array is made once for the longest the sequence can get.
///
/// Invariants (`checkInvariants`): `length <= blocks · blockSize`; every held block is in use.
/// Not thread-safe: the engine thread owns it.
public final class BlockTable {
    private final BlockPool pool;
    private final int[] block; // [maxBlocks] the first `blocks` are held
    private int blocks;
    private int length;

    /// An empty table for at most `maxTokens` tokens.
    public BlockTable(BlockPool pool, int maxTokens) {
        if (maxTokens <= 0) {
            throw new IllegalArgumentException("maxTokens must be positive: maxTokens=" + maxTokens);
        }
        this.pool = pool;
        block = new int[pool.blocksFor(maxTokens)];
    }

    /// Blocks held.
    public int blocks() {
        return blocks;
    }

    /// Tokens held.
    public int length() {
        return length;
    }

    /// Tokens that the held blocks have room for.
    public int capacity() {
        return blocks * pool.blockSize();
    }

    /// Takes the blocks that are needed to hold `tokens` tokens in all. Returns 0, or how many blocks were missing:
    /// then nothing has changed.
    public int reserve(int tokens) {
        int needed = pool.blocksFor(tokens);
        if (needed > block.length) {
            throw new IllegalArgumentException(
                    "tokens must fit the table: tokens=" + tokens + ", maxTokens=" + block.length * pool.blockSize());
        }
        if (needed <= blocks) {
            return 0;
        }
        int missing = pool.allocate(needed - blocks, block, blocks);
        if (missing == 0) {
            blocks = needed;
        }
        return missing;
    }

    /// Counts `tokens` more as held; their slots must have been reserved.
    public void append(int tokens) {
        if (tokens < 0 || tokens > capacity() - length) {
            throw new IllegalStateException("append must fit the reserved blocks: tokens=" + tokens + ", length="
                    + length + ", capacity=" + capacity());
        }
        length += tokens;
    }

    /// The `index`-th block in position order.
    public int block(int index) {
        if (index < 0 || index >= blocks) {
            throw new IllegalArgumentException("index must be below blocks: index=" + index + ", blocks=" + blocks);
        }
        return block[index];
    }

    /// The block that holds, or will hold, `position`.
    public int blockOf(int position) {
        if (position < 0 || position >= capacity()) {
            throw new IllegalArgumentException(
                    "position must lie in a reserved block: position=" + position + ", capacity=" + capacity());
        }
        return block[position / pool.blockSize()];
    }

    /// The slot of `position`: `block * blockSize + offset`. A long: an int overflows in large pools.
    public long slot(int position) {
        return (long) blockOf(position) * pool.blockSize() + position % pool.blockSize();
    }

    /// Gives every block back, last first, and forgets the tokens.
    public void release() {
        while (blocks > 0) {
            int last = block[blocks - 1];
            // Thrown as such, so that the engine stops: somebody else may have been given the block.
            if (pool.refCount(last) < 1) {
                throw new CorruptStateException("held block must be in use: index=" + (blocks - 1) + ", block=" + last);
            }
            pool.release(last);
            blocks--;
        }
        length = 0;
    }

    void checkInvariants() {
        if (length < 0 || length > capacity()) {
            throw new CorruptStateException(
                    "table must have room for its tokens: length=" + length + ", capacity=" + capacity());
        }
        for (int i = 0; i < blocks; i++) {
            if (pool.refCount(block[i]) < 1) {
                throw new CorruptStateException("held block must be in use: index=" + i + ", block=" + block[i]);
            }
        }
    }
}
