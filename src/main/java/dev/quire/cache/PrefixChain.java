package dev.quire.cache;

import java.util.Arrays;

/// The full blocks of one token sequence as the prefix index knows them: their hashes, each computed once, and the
/// entries that they have, or equal.
///
/// `linked` leading blocks have an entry, or equal one of another block; of these, `settled` are computed, the
/// rest is pending. With an index that is off, no block is ever linked. Not thread-safe: the engine thread owns
/// it.
final class PrefixChain {
    private final PrefixIndex index;
    private final int[] token; // the owner's, who adds to it
    private final String salt;
    private final long root;
    private final long[] hash; // [blocks] the first `hashed` are known
    private final long[] generation; // [blocks] of the entry that the block has or equals
    private int hashed;
    private int linked;
    private int settled;
    private boolean awaiting; // a found block is computed by another sequence of the same step

    PrefixChain(PrefixIndex index, int[] token, String salt) {
        int blocks = index.on() ? token.length / index.blockSize() : 0;
        this.index = index;
        this.token = token;
        this.salt = salt;
        root = BlockHash.root(salt);
        hash = new long[blocks];
        generation = new long[blocks];
    }

    int linked() {
        return linked;
    }

    int settled() {
        return settled;
    }

    /// Computes the hashes of the blocks that the first `tokens` tokens fill, so that nobody else has to. The
    /// thread that makes the sequence may do so before the engine thread knows it.
    void prepare(int tokens) {
        if (index.on() && tokens >= index.blockSize()) {
            hash(tokens / index.blockSize() - 1);
        }
    }

    /// Finds the blocks that hold the first `tokens` tokens, as many as there are, into `destination`; returns how
    /// many. Links nothing.
    int find(int tokens, int[] destination) {
        int full = index.on() ? tokens / index.blockSize() : 0;
        for (int i = 0; i < full; i++) {
            int block = index.find(hash(i), parent(i), token, i * index.blockSize(), salt);
            if (block == PrefixIndex.NONE) {
                return i;
            }
            destination[i] = block;
            generation[i] = index.generation(block);
        }
        return full;
    }

    /// Links the first `blocks` blocks, which `find` has just found.
    void adopt(int[] block, int blocks) {
        linked = blocks;
        settled = blocks;
        for (int i = 0; i < blocks; i++) {
            awaiting |= index.pending(block[i]);
        }
    }

    /// Links what stands in `block` for the blocks up to `to`, not yet computed.
    void plan(int[] block, int to) {
        for (int end = Math.min(to, hash.length); linked < end; linked++) {
            link(block[linked], true);
        }
    }

    /// The blocks up to `to` are computed; links those that were not planned.
    void settle(int[] block, int to) {
        awaiting = false;
        int end = Math.min(to, hash.length);
        for (; settled < Math.min(linked, end); settled++) {
            index.computed(block[settled]);
        }
        for (; linked < end; linked++) {
            link(block[linked], false);
        }
        settled = Math.max(settled, end);
    }

    /// An equal block that is there already keeps its entry; this one is then found by nobody.
    private void link(int block, boolean planned) {
        int i = linked;
        int from = i * index.blockSize();
        int equal = index.find(hash(i), parent(i), token, from, salt);
        generation[i] = equal == PrefixIndex.NONE
                ? index.add(block, hash(i), parent(i), token, from, salt, planned)
                : index.generation(equal);
    }

    /// Whether `find` was right about the first `blocks` blocks: no step that was to compute one of them failed.
    boolean stands(int[] block, int blocks) {
        for (int i = 0; awaiting && i < blocks; i++) {
            if (!owns(i, block[i])) {
                return false;
            }
        }
        return true;
    }

    /// Takes back the entries that are still pending.
    void rollBack(int[] block) {
        unlink(block, settled);
    }

    /// Takes back the entries of the blocks from `from` on.
    void unlink(int[] block, int from) {
        for (; linked > from; linked--) {
            if (owns(linked - 1, block[linked - 1])) {
                index.remove(block[linked - 1]);
            }
        }
        settled = Math.min(settled, linked);
    }

    /// Forgets all links; entries stay.
    void reset() {
        linked = 0;
        settled = 0;
        awaiting = false;
    }

    /// The tokens have changed from `tokens` on, with nothing linked.
    void rewritten(int tokens) {
        hashed = index.on() ? Math.min(hashed, tokens / index.blockSize()) : 0;
    }

    /// Whether nothing is pending and `child` is made for the same index and salt and begins with the same
    /// `tokens` tokens.
    boolean canFork(PrefixChain child, int tokens) {
        return settled == linked
                && child.index == index
                && child.salt.equals(salt)
                && (!index.on()
                        || (child.token.length >= tokens && Arrays.equals(token, 0, tokens, child.token, 0, tokens)));
    }

    /// Makes `child`, which begins with the same tokens, know the same of them.
    void fork(PrefixChain child) {
        System.arraycopy(hash, 0, child.hash, 0, linked);
        System.arraycopy(generation, 0, child.generation, 0, linked);
        child.hashed = Math.max(child.hashed, linked);
        child.linked = linked;
        child.settled = settled;
        child.awaiting = awaiting;
    }

    /// Throws if what is known of the `blocks` blocks in `block` is not what the index says.
    void checkInvariants(int[] block, int blocks) {
        if (settled > linked || linked > blocks) {
            throw new CorruptStateException("settled blocks must be linked, and linked ones held: settled=" + settled
                    + ", linked=" + linked + ", blocks=" + blocks);
        }
        for (int i = 0; i < blocks; i++) {
            boolean known = i < linked && owns(i, block[i]) && (i < settled || index.pending(block[i]));
            if (block[i] >= 0 && index.contains(block[i]) && !known) {
                throw new CorruptStateException("held block must have no entry but the linked one: index=" + i
                        + ", block=" + block[i] + ", generation=" + index.generation(block[i]) + ", linked=" + linked
                        + ", settled=" + settled);
            }
        }
    }

    /// Whether the entry of the `i`-th block is `block`'s own; below 0, it is not in the pool.
    private boolean owns(int i, int block) {
        return block >= 0 && index.generation(block) == generation[i];
    }

    private long parent(int i) {
        return i == 0 ? PrefixIndex.ROOT : generation[i - 1];
    }

    private long hash(int i) {
        for (; hashed <= i; hashed++) {
            hash[hashed] = index.hash(hashed == 0 ? root : hash[hashed - 1], token, hashed * index.blockSize());
        }
        return hash[i];
    }
}
