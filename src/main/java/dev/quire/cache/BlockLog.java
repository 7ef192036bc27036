package dev.quire.cache;

/// What became of blocks, in order, since the log was last cleared; nothing as long as it is off.
///
/// Whoever adds up `ALLOCATED` and `SHARED` and `SWAPPED_IN` (a reference more each), `RELEASED` and `SWAPPED_OUT`
/// (one less) and `MOVED` (all of them change the block) has the pool's reference counts; the other two change none.
/// A log that is full counts what it cannot hold: it never grows and never waits.
///
/// Not thread-safe: the engine thread owns it.
public final class BlockLog {
    /// What became of a block; `other` is a second number, which means what is said here.
    public enum Kind {
        /// Taken from those that nobody held; other: its references, 1.
        ALLOCATED,
        /// One more table holds it, the first one of a cached block too; other: its references now.
        SHARED,
        /// Its content is to be copied to a block that was allocated for that; other: the copy.
        COPIED,
        /// The prefix index forgot what it held, since it is about to be taken; other: 0.
        EVICTED,
        /// Its one holder let go of it: its content goes to the swap space; other: the slot.
        SWAPPED_OUT,
        /// Taken for what comes back from the swap space; other: the slot.
        SWAPPED_IN,
        /// Its content and all its references went to a block that nobody held; other: that one.
        MOVED,
        /// A table let go of it; other: the references left.
        RELEASED
    }

    /// More than the blocks that a step of the default budget takes and gives back; 192 KiB while it is on.
    static final int CAPACITY = 1 << 14;

    private static final Kind[] NO_KINDS = {};
    private static final int[] NO_BLOCKS = {};

    private final int capacity;
    private Kind[] kind = NO_KINDS; // all three have room for `capacity` while the log is on, for none before
    private int[] block = NO_BLOCKS;
    private int[] other = NO_BLOCKS;
    private boolean on;
    private int count;
    private long dropped;

    BlockLog() {
        this(CAPACITY);
    }

    BlockLog(int capacity) {
        this.capacity = capacity;
    }

    /// Whether anything is written down.
    boolean on() {
        return on;
    }

    /// Writes down what comes, from now on, or no longer; then what was written is forgotten.
    public void record(boolean wanted) {
        if (wanted != on) {
            on = wanted;
            kind = wanted ? new Kind[capacity] : NO_KINDS;
            block = wanted ? new int[capacity] : NO_BLOCKS;
            other = wanted ? new int[capacity] : NO_BLOCKS;
            clear();
        }
    }

    /// Events written down.
    public int count() {
        return count;
    }

    /// Events behind them for which there was no room.
    public long dropped() {
        return dropped;
    }

    public Kind kind(int index) {
        return kind[checked(index)];
    }

    public int block(int index) {
        return block[checked(index)];
    }

    public int other(int index) {
        return other[checked(index)];
    }

    /// Forgets what was written down.
    public void clear() {
        count = 0;
        dropped = 0;
    }

    /// All that `source` holds, and all its references, are `destination`'s: to be called once a move, in place of
    /// every other event that it would be.
    void moved(int source, int destination) {
        add(Kind.MOVED, source, destination);
    }

    /// Writes an event down, if the log is on.
    void add(Kind what, int which, int second) {
        if (!on) {
            return;
        }
        if (count == capacity) {
            dropped++;
            return;
        }
        kind[count] = what;
        block[count] = which;
        other[count] = second;
        count++;
    }

    private int checked(int index) {
        if (index < 0 || index >= count) {
            throw new IllegalArgumentException("index must be below count: index=" + index + ", count=" + count);
        }
        return index;
    }
}
