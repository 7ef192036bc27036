package dev.quire.cache;

import java.util.Arrays;

/// Which block holds which prefix: full blocks by the hash of everything up to their end.
///
/// An entry is one block's. It matches only when hash, token ids, salt and the parent *entry* are equal: not the
/// parent's block, which may have been taken for something else since, but its generation, a number that no two
/// entries ever share. So neither a collision of hashes nor a reused parent can match (vLLM's hash chain, made
/// exact).
///
/// An entry is *pending* from the moment its block is planned until the step has computed it: sequences of the
/// same step may share it, since every layer writes before it attends; if the step fails it is removed again.
///
/// Everything is O(1) expected and allocates nothing. Invariants (`checkInvariants`): every entry is found in the
/// bucket of its hash exactly once; its generation is above its parent's and at most the last one given. Not
/// thread-safe: the engine thread owns it.
public final class PrefixIndex {
    /// No such block.
    public static final int NONE = -1;

    /// The generation that stands for the parent of a first block.
    static final long ROOT = 0;

    private static final long ABSENT = 0; // in `generation`: the block has no entry
    private static final PrefixIndex OFF = new PrefixIndex(0, 1, BlockHash::of);

    private final int blockSize;
    private final BlockHash.Function function;
    private final long[] generation; // [blocks] of the block's entry, or ABSENT
    private final long[] parent; // [blocks] generation of the entry before it, or ROOT
    private final long[] hash; // [blocks]
    private final String[] salt; // [blocks]
    private final int[] token; // [blocks, blockSize]
    private final boolean[] pending; // [blocks]
    private final int[] bucket; // [a power of two above blocks] first block of the bucket, or NONE
    private final int[] next; // [blocks] next in the same bucket, or NONE
    private long generations;
    private int size;

    /// An empty index for a pool of `blocks` blocks of `blockSize` tokens. Takes 4·blockSize + 45 bytes of heap a
    /// block.
    public PrefixIndex(int blocks, int blockSize) {
        this(blocks, blockSize, BlockHash::of);
    }

    PrefixIndex(int blocks, int blockSize, BlockHash.Function function) {
        if (blocks < 0 || blockSize <= 0 || (long) blocks * blockSize > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("blocks must not be negative, blockSize positive, and their product an"
                    + " int: blocks=" + blocks + ", blockSize=" + blockSize);
        }
        this.blockSize = blockSize;
        this.function = function;
        generation = new long[blocks];
        parent = new long[blocks];
        hash = new long[blocks];
        salt = new String[blocks];
        token = new int[blocks * blockSize];
        pending = new boolean[blocks];
        next = new int[blocks];
        bucket = new int[1 << Math.min(30, Integer.SIZE - Integer.numberOfLeadingZeros(blocks))];
        Arrays.fill(bucket, NONE);
    }

    /// An index that never holds anything.
    public static PrefixIndex off() {
        return OFF;
    }

    /// Whether this index takes entries at all.
    public boolean on() {
        return generation.length > 0;
    }

    /// Entries.
    public int size() {
        return size;
    }

    /// Blocks that may have an entry.
    int blocks() {
        return generation.length;
    }

    int blockSize() {
        return blockSize;
    }

    /// Whether `block` has an entry.
    public boolean contains(int block) {
        return on() && generation[block] != ABSENT;
    }

    /// Whether `block` has an entry whose block is planned but not yet computed.
    public boolean pending(int block) {
        return contains(block) && pending[block];
    }

    /// Names the entry of `block`: no other ever has this number. 0 where there is none.
    long generation(int block) {
        return on() ? generation[block] : ABSENT;
    }

    /// The hash of the block `token[from … from + blockSize)` after the one with hash `parentHash`.
    long hash(long parentHash, int[] tokens, int from) {
        return function.of(parentHash, tokens, from, blockSize);
    }

    /// The block whose entry has these tokens after entry `parentGeneration`, or `NONE`.
    int find(long key, long parentGeneration, int[] tokens, int from, String whose) {
        if (!on()) {
            return NONE;
        }
        for (int block = bucket[bucketOf(key)]; block != NONE; block = next[block]) {
            if (hash[block] == key
                    && parent[block] == parentGeneration
                    && sameTokens(block, tokens, from)
                    && salt[block].equals(whose)) {
                return block;
            }
        }
        return NONE;
    }

    private boolean sameTokens(int block, int[] tokens, int from) {
        int start = block * blockSize;
        return Arrays.equals(token, start, start + blockSize, tokens, from, from + blockSize);
    }

    /// Enters `block`, which must have no entry. Returns the entry's generation.
    long add(int block, long key, long parentGeneration, int[] tokens, int from, String whose, boolean planned) {
        if (generation[block] != ABSENT) {
            throw new CorruptStateException(
                    "block must have no entry: block=" + block + ", generation=" + generation[block]);
        }
        generation[block] = ++generations;
        parent[block] = parentGeneration;
        hash[block] = key;
        salt[block] = whose;
        pending[block] = planned;
        System.arraycopy(tokens, from, token, block * blockSize, blockSize);
        int home = bucketOf(key);
        next[block] = bucket[home];
        bucket[home] = block;
        size++;
        return generations;
    }

    /// `block` has been computed: its entry, if it has one, is no longer pending.
    void computed(int block) {
        pending[block] = false;
    }

    /// Takes the entry of `block` out; entries after it can no longer be reached and stay until their blocks are
    /// taken.
    void remove(int block) {
        if (!contains(block)) {
            throw new CorruptStateException("block must have an entry: block=" + block);
        }
        int home = bucketOf(hash[block]);
        if (bucket[home] == block) {
            bucket[home] = next[block];
        } else {
            int before = bucket[home];
            while (next[before] != block) {
                before = next[before];
            }
            next[before] = next[block];
        }
        generation[block] = ABSENT;
        pending[block] = false;
        salt[block] = null; // for the collector
        size--;
    }

    /// The entry of `from` is `to`'s from now on, which must have none: the same entry, so what comes after it can
    /// still be reached.
    void move(int from, int to) {
        if (!contains(from) || contains(to)) {
            throw new CorruptStateException("an entry must move to a block without one: from=" + from + ", generation="
                    + generation(from) + ", to=" + to + ", generation=" + generation(to));
        }
        int home = bucketOf(hash[from]);
        if (bucket[home] == from) {
            bucket[home] = to;
        } else {
            int before = bucket[home];
            while (next[before] != from) {
                before = next[before];
            }
            next[before] = to;
        }
        next[to] = next[from];
        generation[to] = generation[from];
        parent[to] = parent[from];
        hash[to] = hash[from];
        salt[to] = salt[from];
        pending[to] = pending[from];
        System.arraycopy(token, from * blockSize, token, to * blockSize, blockSize);
        generation[from] = ABSENT;
        pending[from] = false;
        salt[from] = null; // for the collector
    }

    private int bucketOf(long key) {
        return (int) key & bucket.length - 1;
    }

    /// Throws if the index contradicts itself: after each operation in tests, when the engine falls idle in
    /// production.
    public void checkInvariants() {
        int seen = 0;
        for (int home = 0; home < bucket.length; home++) {
            for (int block = bucket[home]; block != NONE; block = next[block]) {
                if (++seen > size || generation[block] == ABSENT || bucketOf(hash[block]) != home) {
                    throw new CorruptStateException("entry must stand in the bucket of its hash: block=" + block
                            + ", bucket=" + home + ", generation=" + generation[block] + ", size=" + size);
                }
            }
        }
        if (seen != size) {
            throw new CorruptStateException("index must hold what it counts: seen=" + seen + ", size=" + size);
        }
        for (int block = 0; block < generation.length; block++) {
            checkEntry(block);
        }
    }

    private void checkEntry(int block) {
        if (generation[block] == ABSENT) {
            if (pending[block]) {
                throw new CorruptStateException("pending block must have an entry: block=" + block);
            }
        } else if (generation[block] > generations
                || parent[block] >= generation[block]
                || salt[block] == null
                || find(hash[block], parent[block], token, block * blockSize, salt[block]) != block) {
            throw new CorruptStateException("entry must be the one that its key finds: block=" + block + ", generation="
                    + generation[block] + ", parent=" + parent[block]);
        }
    }
}
