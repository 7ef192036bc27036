package dev.quire.cache;

/// Room in host memory for blocks that had to leave the pool: a bounded number of slots, each as large as a block.
///
/// A slot is *filling* from when it is taken until the copy into it is done, then *full*, then *emptying* until
/// the copy back is done. One whose owner has gone in the meantime is free when its copy is done, not earlier.
///
/// Invariants (`checkInvariants`): each slot is in one state; the free ones are listed once. Not thread-safe: the
/// engine thread owns it.
public final class SwapSpace {
    private enum State {
        FREE,
        FILLING,
        FULL,
        EMPTYING,
        /// Filling for nobody.
        ABANDONED
    }

    private final State[] state; // [slots]
    private final int[] free; // [slots] the first `freeSlots` are free
    private int freeSlots;

    /// `slots` slots; 0 = there is no room for anything.
    public SwapSpace(int slots) {
        if (slots < 0) {
            throw new IllegalArgumentException("slots must not be negative: slots=" + slots);
        }
        state = new State[slots];
        free = new int[slots];
        for (int slot = 0; slot < slots; slot++) {
            state[slot] = State.FREE;
            free[slot] = slots - 1 - slot; // slot 0 is taken first
        }
        freeSlots = slots;
    }

    public int slots() {
        return state.length;
    }

    public int free() {
        return freeSlots;
    }

    public int used() {
        return slots() - freeSlots;
    }

    /// Takes a slot that is about to be filled; one must be free.
    int take() {
        if (freeSlots == 0) {
            throw new IllegalStateException("swap space must have a free slot: slots=" + slots() + ", free=0");
        }
        int slot = free[--freeSlots];
        state[slot] = State.FILLING;
        return slot;
    }

    /// Whether what was copied into `slot` is there.
    boolean full(int slot) {
        return state[slot] == State.FULL;
    }

    /// Begins to copy out of `slot`.
    void empty(int slot) {
        require(slot, State.FULL);
        state[slot] = State.EMPTYING;
    }

    /// The owner of `slot` no longer wants what is in it.
    void release(int slot) {
        switch (state[slot]) {
            case FILLING -> state[slot] = State.ABANDONED;
            case FULL -> freed(slot);
            case FREE, EMPTYING, ABANDONED -> require(slot, State.FULL);
        }
    }

    /// The copy into or out of `slot` is done.
    void landed(int slot) {
        switch (state[slot]) {
            case FILLING -> state[slot] = State.FULL;
            case EMPTYING, ABANDONED -> freed(slot);
            case FREE, FULL -> require(slot, State.FILLING);
        }
    }

    private void freed(int slot) {
        state[slot] = State.FREE;
        free[freeSlots++] = slot;
    }

    private void require(int slot, State wanted) {
        if (state[slot] != wanted) {
            throw new CorruptStateException(
                    "slot must be " + wanted + ": slot=" + slot + ", state=" + state[slot] + ", slots=" + slots());
        }
    }

    /// Throws if the space contradicts itself: after each operation in tests, when the engine falls idle in
    /// production.
    public void checkInvariants() {
        int counted = 0;
        for (State each : state) {
            counted += each == State.FREE ? 1 : 0;
        }
        boolean listed = counted == freeSlots;
        for (int i = 0; i < freeSlots; i++) {
            listed &= state[free[i]] == State.FREE;
        }
        if (!listed) {
            throw new CorruptStateException(
                    "free slots must be listed once: counted=" + counted + ", listed=" + freeSlots);
        }
    }
}
