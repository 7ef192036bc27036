package dev.quire.cache;

/// The blocks of one sequence in position order, and how many tokens they hold, whatever the layout: a table of
/// blocks from anywhere ({@link BlockTable}), or a run of adjacent ones ({@link BlockRun}).
///
/// A life: `open` for the tokens that are known, then before each step `reserve` and `plan`, after it `append`;
/// `fork` when another sequence goes on from here; `release` at the end, or when the blocks are wanted elsewhere,
/// after which it may be opened again. Not thread-safe: the engine thread owns it.
public sealed interface SequenceBlocks permits BlockTable, BlockRun {
    /// In place of a slot: the position's keys and values are in the cache already and must not be written.
    long NO_SLOT = -1;

    /// Does ahead what `open` would have to for the first `tokens` tokens, which must be there. May be called
    /// before this is handed to the thread that owns it.
    default void prepare(int tokens) {}

    /// Blocks held.
    int blocks();

    /// Tokens held.
    int length();

    /// Tokens that the held blocks have room for.
    int capacity();

    /// Leading tokens whose keys and values were found in the cache, or come from a fork.
    int sharedTokens();

    /// Takes the blocks for the first `tokens` tokens while none is held, if `spare` blocks are left then; what
    /// the layout can share is shared within the first `shareable` tokens. Returns 0, or how many blocks were
    /// missing: then nothing has changed.
    ///
    /// At least one token is left to compute, since its logits are wanted.
    int open(int tokens, int shareable, int spare);

    /// Takes what is needed to hold `tokens` tokens in all and to write those beyond `length`; what must be copied
    /// first is added to `copies`. Returns 0, or how many blocks were missing: then nothing has changed.
    int reserve(int tokens, BlockCopies copies);

    /// Says that the step being planned computes the tokens up to `tokens`. `append` confirms it, `release` takes
    /// it back.
    void plan(int tokens);

    /// Whether what `open` shared was computed, or will be: not so if its writer failed in the same step.
    boolean prefixStands();

    /// Counts `tokens` more as held; their slots must have been reserved.
    void append(int tokens);

    /// Makes `child`, which holds no token, hold what this one holds: by sharing, or by copies that are added to
    /// `copies`. A run of its own has room for `tokens` tokens, if it was not opened before. Returns 0, or how many
    /// blocks were missing: then nothing has changed.
    int fork(SequenceBlocks child, int tokens, BlockCopies copies);

    /// The same, with room for what is held.
    default int fork(SequenceBlocks child, BlockCopies copies) {
        return fork(child, length(), copies);
    }

    /// The sequence's tokens have changed from `tokens` on, while nothing is held: a beam goes on from another.
    default void rewritten(int tokens) {}

    /// Has the blocks that nobody else holds moved to the swap space; those that are shared stay. Returns how many
    /// leave the pool; 0 if none can or there is no room for all: then nothing has changed. Until `swapIn`,
    /// nothing may be computed.
    default int swapOut() {
        return 0;
    }

    /// Has the blocks moved back, if `spare` blocks are left then. Returns 0, or how many blocks were missing:
    /// then nothing has changed. Until `here` nothing may be computed.
    default int swapIn(int spare) {
        return 0;
    }

    /// Blocks that `swapOut` would move.
    default int movable() {
        return 0;
    }

    /// Whether some blocks are in the swap space, or on their way there.
    default boolean swapped() {
        return false;
    }

    /// Whether all that `swapOut` moved has arrived there.
    default boolean out() {
        return true;
    }

    /// Whether every block is in the pool, with all it holds.
    default boolean here() {
        return true;
    }

    /// The `index`-th block in position order; below 0 where it is in the swap space.
    int block(int index);

    /// The slot of `position`, `block * blockSize + offset`, or `NO_SLOT` where it must not be written. A long: an
    /// int overflows in large pools.
    long slot(int position);

    /// What was written is not to be trusted: nobody else may find it.
    void forget();

    /// Gives every block back and forgets the tokens.
    void release();

    /// Throws if the bookkeeping contradicts itself.
    void checkInvariants();
}
