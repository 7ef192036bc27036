package dev.quire.tokenizer;

import java.util.Arrays;

/// Where an {@link Automaton} found in one text that reading on does not lead to a match: (state, position) pairs, at
/// one position in each 64 bytes. Without them a pattern such as `\s+$` would read the rest of a run of
/// blanks from each of its blanks.
///
/// A set by open addressing, at most half full. Bound: a scan notes one pair in each 64 bytes, and none that another
/// has noted before, so a text has at most length / 64 pairs for each state. Not thread-safe.
final class DeadEnds {
    static final int SPACING_BITS = 6;

    private static final int STATE_BITS = 24; // 4096 states of at most 256 classes
    private static final long EMPTY = -1;

    private long[] pairs = new long[0];
    private int size;
    private long[] noted = new long[16];
    private int notes;

    boolean contains(int state, int position) {
        if (size == 0) {
            return false;
        }
        long pair = pair(state, position);
        int place = place(pair);
        while (pairs[place] != EMPTY) {
            if (pairs[place] == pair) {
                return true;
            }
            place = (place + 1) & (pairs.length - 1);
        }
        return false;
    }

    /// This pair will be a dead end if nothing matches before {@link #keep}.
    void note(int state, int position) {
        noted = notes == noted.length ? Arrays.copyOf(noted, 2 * notes) : noted;
        noted[notes++] = pair(state, position);
    }

    /// There was a match: what was noted leads to it.
    void forget() {
        notes = 0;
    }

    /// What was noted and not forgotten is a dead end.
    void keep() {
        for (int i = 0; i < notes; i++) {
            if (2 * (size + 1) > pairs.length) {
                grow();
            }
            size += add(noted[i]) ? 1 : 0;
        }
        notes = 0;
    }

    void clear() {
        if (size > 0) {
            pairs = new long[0];
            size = 0;
        }
    }

    private boolean add(long pair) {
        int place = place(pair);
        while (pairs[place] != EMPTY && pairs[place] != pair) {
            place = (place + 1) & (pairs.length - 1);
        }
        boolean added = pairs[place] == EMPTY;
        pairs[place] = pair;
        return added;
    }

    private void grow() {
        long[] old = pairs;
        pairs = new long[Math.max(64, 2 * old.length)];
        Arrays.fill(pairs, EMPTY);
        for (long pair : old) {
            if (pair != EMPTY) {
                add(pair);
            }
        }
    }

    private static long pair(int state, int position) {
        return (long) position << STATE_BITS | state;
    }

    private int place(long pair) {
        long mixed = pair * 0x9E3779B97F4A7C15L;
        return (int) (mixed >>> (Long.SIZE - Integer.numberOfTrailingZeros(pairs.length)));
    }
}
