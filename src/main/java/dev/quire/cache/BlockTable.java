package dev.quire.cache;

/// The blocks of one sequence in position order, and how many tokens they hold.
///
/// A table takes the blocks for its first tokens with `open`, which shares what the prefix index has; it takes
/// more before each step with `reserve` (whole blocks, all or nothing) and counts tokens with `append` as they are
/// computed. `fork` makes another table of the same blocks. The first to write into a block that others hold too
/// gets a copy of it (copy-on-write): a pair of ids for the caller to carry out before the step. The array is made
/// once for the longest the sequence can get.
///
/// Invariants (`checkInvariants`): `length <= blocks · blockSize`; every held block is in use; the block that the
/// next token is written into may be shared, those behind it are not. Not thread-safe: the engine thread owns it.
public final class BlockTable implements SequenceBlocks {
    private static final int[] NO_TOKENS = {};

    private final BlockPool pool;
    private final PrefixChain chain;
    private final SwapSpace space;
    private final BlockTransfers transfers;
    private final int maxTokens;
    private final int[] block; // [maxBlocks] the first `blocks` are held; ~slot where it is in the swap space
    private int away; // blocks in the swap space
    private int blocks;
    private int length;
    private int sharedTokens;
    private int settleAt; // tokens at which the chain must hear of an append: most fill no block

    /// An empty table for at most `maxTokens` tokens, which the prefix index never hears of.
    public BlockTable(BlockPool pool, int maxTokens) {
        this(pool, maxTokens, new PrefixChain(PrefixIndex.off(), NO_TOKENS, ""), BlockTransfers.none(pool));
    }

    /// An empty table for the sequence in `token`, whose length is the most it can get. The array stays the
    /// caller's, who adds to it: of n tokens that this table is told of, the first n elements are there and never
    /// change, unless `rewritten` says so. Only tables with the same `salt` share.
    public BlockTable(BlockPool pool, int[] token, String salt) {
        this(pool, token.length, new PrefixChain(pool.index(), token, salt), BlockTransfers.none(pool));
    }

    BlockTable(PagedLayout layout, int[] token, int maxTokens, String salt) {
        this(layout.pool(), maxTokens, new PrefixChain(layout.pool().index(), token, salt), layout.transfers());
    }

    private BlockTable(BlockPool pool, int maxTokens, PrefixChain chain, BlockTransfers transfers) {
        if (maxTokens <= 0 || (long) pool.blocksFor(maxTokens) * pool.blockSize() > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("maxTokens must be positive and, in whole blocks, an int: maxTokens="
                    + maxTokens + ", blockSize=" + pool.blockSize());
        }
        this.pool = pool;
        this.chain = chain;
        this.maxTokens = maxTokens;
        space = transfers.space();
        this.transfers = transfers;
        block = new int[pool.blocksFor(maxTokens)];
    }

    /// Hashes the blocks that the first `tokens` tokens will fill, which must be there: else `open` and `plan` do.
    /// May be called before the table is handed to the thread that owns it.
    @Override
    public void prepare(int tokens) {
        checkedBlocks(tokens);
        chain.prepare(tokens);
    }

    /// Blocks held.
    @Override
    public int blocks() {
        return blocks;
    }

    /// Tokens held.
    @Override
    public int length() {
        return length;
    }

    /// Tokens that the held blocks have room for.
    @Override
    public int capacity() {
        return blocks * pool.blockSize();
    }

    /// Leading tokens whose keys and values this table found in the cache, or has from its fork.
    @Override
    public int sharedTokens() {
        return sharedTokens;
    }

    /// Takes the blocks for the first `tokens` tokens into this empty table, if `spare` blocks are left then: full
    /// blocks within the first `shareable` tokens that the index has are shared, the others allocated. Returns 0,
    /// or how many blocks were missing: then nothing has changed.
    ///
    /// At least one token is left to compute, since its logits are wanted: where every block is found, the last
    /// token is computed once more, and `slot` says that it is not to be written.
    @Override
    public int open(int tokens, int shareable, int spare) {
        if (blocks > 0) {
            throw new IllegalStateException("table must be empty: blocks=" + blocks);
        }
        if (spare < 0) {
            throw new IllegalArgumentException("spare must not be negative: spare=" + spare);
        }
        int needed = checkedBlocks(tokens);
        int found = chain.find(Math.min(tokens, shareable), block);
        int taken = needed - found;
        for (int i = 0; i < found; i++) {
            taken += pool.refCount(block[i]) == 0 ? 1 : 0;
        }
        long missing = (long) taken + spare - pool.available();
        if (missing > 0) {
            return Math.clamp(missing, 1, Integer.MAX_VALUE);
        }
        for (int i = 0; i < found; i++) {
            pool.retain(block[i]);
        }
        pool.allocate(needed - found, block, found);
        chain.adopt(block, found);
        blocks = needed;
        limitLast();
        sharedTokens = found * pool.blockSize();
        length = Math.min(sharedTokens, Math.max(0, tokens - 1));
        return 0;
    }

    /// Takes the blocks that are needed to hold `tokens` tokens in all, and one for a copy if the block that is
    /// written next has other holders: the copy is added to `copies`. Returns 0, or how many blocks were missing:
    /// then nothing has changed.
    @Override
    public int reserve(int tokens, BlockCopies copies) {
        int needed = checkedBlocks(tokens);
        checkAway("reserve");
        int added = Math.max(0, needed - blocks);
        boolean copied = mustCopy(tokens);
        if (copied && copies.count() == copies.capacity()) {
            throw new IllegalArgumentException("copies must have room: capacity=" + copies.capacity());
        }
        int missing = added + (copied ? 1 : 0) - pool.available();
        if (missing > 0) {
            return missing;
        }
        if (copied) {
            int at = written() / pool.blockSize();
            int copy = pool.copy(block[at]);
            copies.add(block[at], copy);
            pool.release(block[at]);
            block[at] = copy;
        }
        if (added > 0) {
            pool.allocate(added, block, blocks);
            blocks = needed;
        }
        if (copied || added > 0) {
            limitLast();
        }
        return 0;
    }

    /// Tells the pool how much of the last block that there can be is beyond the most tokens.
    private void limitLast() {
        if (blocks == block.length) {
            pool.limit(block[blocks - 1], capacity() - maxTokens);
        }
    }

    private void checkAway(String what) {
        if (away > 0) {
            throw new IllegalStateException(what + " must find every block in the pool: away=" + away);
        }
    }

    private int checkedBlocks(int tokens) {
        if (tokens < 0 || tokens > maxTokens) {
            throw new IllegalArgumentException(
                    "tokens must fit the table: tokens=" + tokens + ", maxTokens=" + maxTokens);
        }
        return pool.blocksFor(tokens);
    }

    /// The next position to be written.
    private int written() {
        return Math.max(length, sharedTokens);
    }

    /// Whether the tokens up to `tokens` begin in a block that has other holders. Not so where this table planned
    /// to fill it: then they wait for just that.
    private boolean mustCopy(int tokens) {
        int at = written() / pool.blockSize();
        return tokens > written() && at >= chain.linked() && at < blocks && pool.refCount(block[at]) > 1;
    }

    private void checkCopied(int tokens) {
        if (mustCopy(tokens)) {
            int shared = blockOf(written());
            throw new IllegalStateException("shared block must be copied before it is written: block=" + shared
                    + ", refCount=" + pool.refCount(shared));
        }
    }

    /// Says that the step being planned computes the tokens up to `tokens`: the blocks that it fills enter the
    /// index as pending, so that others may share them in the same step. They must have been reserved. `append`
    /// confirms them, `rollBack` takes them back.
    @Override
    public void plan(int tokens) {
        if (tokens > capacity()) {
            throw new IllegalStateException(
                    "plan must fit the reserved blocks: tokens=" + tokens + ", capacity=" + capacity());
        }
        checkCopied(tokens);
        chain.plan(block, tokens / pool.blockSize());
    }

    /// The planned tokens were not computed: their blocks leave the index. Tables that shared them say so with
    /// `prefixStands` and must be released before this one goes on.
    public void rollBack() {
        chain.rollBack(block);
    }

    /// Whether the blocks that `open` shared are in the index still. If not, their writer failed in the same step.
    @Override
    public boolean prefixStands() {
        return chain.stands(block, sharedTokens / pool.blockSize());
    }

    /// Counts `tokens` more as held; their slots must have been reserved. Blocks that they fill enter the index.
    @Override
    public void append(int tokens) {
        if (tokens < 0 || tokens > capacity() - length) {
            throw new IllegalStateException("append must fit the reserved blocks: tokens=" + tokens + ", length="
                    + length + ", capacity=" + capacity());
        }
        if (tokens == 0) {
            return;
        }
        checkAway("append");
        int blockSize = pool.blockSize();
        int end = length + tokens;
        checkCopied(end);
        for (int at = written(); at < end; at += blockSize - at % blockSize) {
            pool.fill(block[at / blockSize], Math.min(blockSize, end - at / blockSize * blockSize));
        }
        if (end >= settleAt) {
            chain.settle(block, end / blockSize);
            settleAt = (end / blockSize + 1) * blockSize;
        }
        length = end;
    }

    /// Makes `child`, an empty table of the same pool for a sequence that begins with the same tokens and has the
    /// same salt, hold the same blocks, the partly filled one too; not those that are reserved and empty.
    public void fork(BlockTable child) {
        if (child.pool != pool
                || child.blocks > 0
                || child.maxTokens < written()
                || !chain.canFork(child.chain, written())) {
            throw new IllegalStateException("fork must go from a computed table to an empty one"
                    + " of the same pool, tokens and salt: blocks=" + blocks + ", length=" + length + ", child.blocks="
                    + child.blocks + ", child.maxTokens=" + child.maxTokens);
        }
        int filled = pool.blocksFor(written());
        for (int i = 0; i < filled; i++) {
            pool.retain(block[i]);
            child.block[i] = block[i];
            int beyond = Math.max(0, (i + 1) * pool.blockSize() - child.maxTokens);
            pool.limit(block[i], Math.min(beyond, pool.unusable(block[i]))); // whichever gets further
        }
        child.blocks = filled;
        child.length = length;
        child.sharedTokens = written();
        chain.fork(child.chain);
    }

    /// The same; there is always room, and nothing to copy yet.
    @Override
    public int fork(SequenceBlocks child, int tokens, BlockCopies copies) {
        fork((BlockTable) child);
        return 0;
    }

    @Override
    public void rewritten(int tokens) {
        if (blocks > 0) {
            throw new IllegalStateException("table must be empty when its tokens change: blocks=" + blocks);
        }
        chain.rewritten(tokens);
    }

    /// The `index`-th block in position order.
    @Override
    public int block(int index) {
        if (index < 0 || index >= blocks) {
            throw new IllegalArgumentException("index must be below blocks: index=" + index + ", blocks=" + blocks);
        }
        return block[index];
    }

    /// The block that holds, or will hold, `position`; below 0 where it is in the swap space.
    public int blockOf(int position) {
        if (position < 0 || position >= capacity()) {
            throw new IllegalArgumentException(
                    "position must lie in a reserved block: position=" + position + ", capacity=" + capacity());
        }
        return block[position / pool.blockSize()];
    }

    /// The slot of `position`, `block * blockSize + offset`, or `NO_SLOT` where it must not be written. A long: an
    /// int overflows in large pools.
    @Override
    public long slot(int position) {
        int held = blockOf(position);
        if (held < 0) {
            throw new IllegalStateException(
                    "position must not be in the swap space: position=" + position + ", away=" + away);
        }
        long slot = (long) held * pool.blockSize() + position % pool.blockSize();
        return position < sharedTokens ? NO_SLOT : slot;
    }

    /// Takes the blocks that this table wrote out of the index, before it is released: what they hold is not to be
    /// trusted.
    @Override
    public void forget() {
        chain.unlink(block, sharedTokens / pool.blockSize());
    }

    @Override
    public int movable() {
        int movable = 0;
        for (int i = 0; i < Math.min(blocks, pool.blocksFor(written())); i++) {
            movable += movable(block[i]) ? 1 : 0;
        }
        return movable;
    }

    /// Whether `which` is here and nobody else's. One that is under a copy already, which it left for and was
    /// found on, stays.
    private boolean movable(int which) {
        return which >= 0 && pool.refCount(which) == 1 && !pool.moving(which);
    }

    @Override
    public int swapOut() {
        int leaving = movable();
        if (leaving == 0 || leaving > space.free() || away > 0) {
            return 0;
        }
        chain.rollBack(block);
        for (; blocks > pool.blocksFor(written()); blocks--) {
            pool.release(block[blocks - 1]); // reserved and empty
        }
        for (int i = blocks - 1; i >= 0; i--) {
            if (movable(block[i])) {
                int slot = space.take();
                transfers.add(true, block[i], slot);
                pool.depart(block[i]);
                block[i] = ~slot;
                away++;
            }
        }
        return leaving;
    }

    @Override
    public int swapIn(int spare) {
        if (spare < 0 || !out()) {
            throw new IllegalStateException(
                    "blocks must be in the swap space before they come back: away=" + away + ", spare=" + spare);
        }
        long missing = (long) away + spare - pool.available();
        if (missing > 0) {
            return Math.clamp(missing, 1, Integer.MAX_VALUE);
        }
        for (int i = 0; i < blocks; i++) {
            if (block[i] < 0) {
                int slot = ~block[i];
                space.empty(slot);
                block[i] = pool.arrive(Math.min(pool.blockSize(), written() - i * pool.blockSize()));
                transfers.add(false, block[i], slot);
            }
        }
        away = 0;
        limitLast();
        return 0;
    }

    @Override
    public boolean swapped() {
        return away > 0;
    }

    /// Whether what `swapOut` moved has all arrived in the swap space.
    @Override
    public boolean out() {
        for (int i = 0; i < blocks; i++) {
            if (block[i] < 0 && !space.full(~block[i])) {
                return false;
            }
        }
        return true;
    }

    @Override
    public boolean here() {
        for (int i = 0; i < blocks; i++) {
            if (block[i] < 0 || pool.moving(block[i])) {
                return false;
            }
        }
        return true;
    }

    /// Gives every block back, last first, so that a cached tail is taken before the prefix it extends, and
    /// forgets the tokens. What was planned and not computed is rolled back.
    @Override
    public void release() {
        chain.rollBack(block);
        while (blocks > 0) {
            int last = block[blocks - 1];
            if (last < 0) {
                space.release(~last);
            } else if (pool.refCount(last) > 0) {
                pool.release(last);
            } else {
                // Thrown as such, so that the engine stops: somebody else may have been given the block.
                throw new CorruptStateException("held block must be in use: index=" + (blocks - 1) + ", block=" + last);
            }
            blocks--;
        }
        away = 0;
        chain.reset();
        length = 0;
        sharedTokens = 0;
        settleAt = 0;
    }

    /// Blocks have moved: where `moved[block]` is not `NONE`, it says where to. Returns how many entries that were.
    int rewrite(int[] moved) {
        int rewritten = 0;
        for (int i = 0; i < blocks; i++) {
            if (block[i] >= 0 && moved[block[i]] != Compaction.NONE) {
                block[i] = moved[block[i]];
                rewritten++;
            }
        }
        return rewritten;
    }

    /// Throws if the table contradicts itself: after each operation in tests, when the engine falls idle in
    /// production.
    @Override
    public void checkInvariants() {
        if (length < 0 || length > capacity()) {
            throw new CorruptStateException(
                    "table must have room for its tokens: length=" + length + ", capacity=" + capacity());
        }
        chain.checkInvariants(block, blocks);
        if (chain.settled() * pool.blockSize() > written()) {
            throw new CorruptStateException("settled blocks must be computed: settled=" + chain.settled() + ", length="
                    + length + ", sharedTokens=" + sharedTokens);
        }
        int next = written() / pool.blockSize();
        for (int i = 0; i < blocks; i++) {
            if (block[i] < 0) {
                continue;
            }
            int holders = pool.refCount(block[i]);
            if (holders < 1 || (i > next && holders > 1 && chain.linked() <= i)) {
                throw new CorruptStateException("held block must be in use, and nobody else's before it is written:"
                        + " index=" + i + ", block=" + block[i] + ", refCount=" + holders);
            }
        }
    }
}
