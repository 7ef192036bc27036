package dev.quire.cache;

import java.util.Arrays;
import java.util.function.IntPredicate;

/// Blocks without a holder, least recently used first: a doubly linked list threaded through two arrays, so that
/// adding at either end, taking the head and unlinking from the middle are O(1) and nothing is ever allocated.
///
/// Invariants: a block is linked at most once; `next` and `previous` mirror each other; `size` counts the links. Not
/// thread-safe: the engine thread owns it.
final class FreeQueue {
    private static final int NONE = -1;
    private static final int UNLINKED = -2;

    private final int[] previous; // UNLINKED where the block is not in the queue
    private final int[] next;
    private int head = NONE;
    private int tail = NONE;
    private int lastFront = NONE; // of those that came in at the front, the one to be taken last
    private int size;

    FreeQueue(int blocks) {
        previous = new int[blocks];
        next = new int[blocks];
        Arrays.fill(previous, UNLINKED);
        Arrays.fill(next, UNLINKED);
    }

    int size() {
        return size;
    }

    boolean contains(int block) {
        return previous[block] != UNLINKED;
    }

    /// Blocks of the longest run of adjacent ones that are in the queue: O(blocks).
    int longestRun() {
        int longest = 0;
        int run = 0;
        for (int block = 0; block < previous.length; block++) {
            run = contains(block) ? run + 1 : 0;
            longest = Math.max(longest, run);
        }
        return longest;
    }

    /// To be taken next.
    void addFirst(int block) {
        link(NONE, block, head);
        lastFront = lastFront == NONE ? block : lastFront;
    }

    /// To be taken after all that came in at the front, and before those at the end.
    void addBehindFront(int block) {
        link(lastFront, block, lastFront == NONE ? head : next[lastFront]);
        lastFront = block;
    }

    /// To be taken last.
    void addLast(int block) {
        link(tail, block, NONE);
    }

    /// Has the blocks that `front` is true of, which came in at the front, taken in ascending order: O(blocks).
    void sortFront(IntPredicate front) {
        for (int block = previous.length - 1; block >= 0; block--) {
            if (contains(block) && front.test(block)) {
                remove(block);
                addFirst(block);
            }
        }
    }

    /// Takes the least recently used block; the queue must not be empty.
    int removeFirst() {
        if (size == 0) {
            throw new IllegalStateException("free queue must not be empty: size=0");
        }
        int block = head;
        remove(block);
        return block;
    }

    /// Takes `block` from wherever it stands.
    void remove(int block) {
        if (!contains(block)) {
            throw new IllegalStateException("block must be in the free queue: block=" + block);
        }
        int before = previous[block];
        int after = next[block];
        if (before == NONE) {
            head = after;
        } else {
            next[before] = after;
        }
        if (after == NONE) {
            tail = before;
        } else {
            previous[after] = before;
        }
        lastFront = lastFront == block ? before : lastFront;
        previous[block] = UNLINKED;
        next[block] = UNLINKED;
        size--;
    }

    private void link(int before, int block, int after) {
        if (contains(block)) {
            throw new IllegalStateException("block must not be in the free queue: block=" + block);
        }
        previous[block] = before;
        next[block] = after;
        if (before == NONE) {
            head = block;
        } else {
            next[before] = block;
        }
        if (after == NONE) {
            tail = block;
        } else {
            previous[after] = block;
        }
        size++;
    }

    void checkInvariants() {
        int seen = 0;
        int before = NONE;
        for (int block = head; block != NONE; block = next[block]) {
            if (previous[block] != before || ++seen > size) {
                throw new CorruptStateException(
                        "free queue links must mirror each other: block=" + block + ", previous=" + previous[block]
                                + ", expected=" + before + ", seen=" + seen + ", size=" + size);
            }
            before = block;
        }
        if (seen != size || tail != before) {
            throw new CorruptStateException("free queue must hold what it counts: seen=" + seen + ", size=" + size
                    + ", tail=" + tail + ", last=" + before);
        }
    }
}
