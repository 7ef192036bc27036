package dev.quire.cache;

import java.util.Arrays;

/// Runs whose sizes are powers of two and whose first blocks are multiples of their size. A pool of another size
/// is laid out as the largest such runs from block 0 on; a run merges with its buddy, the other half of the run
/// that both came from, and with no one else. Operations are O(log blocks), but for `allocateLowest`.
final class BuddyAllocator implements RunAllocator {
    private static final int ORDERS = 31;
    private static final byte INSIDE = -1; // in `order`: no run begins here

    private final byte[] order; // [blocks] log2 of the size of the run that begins here, or INSIDE
    private final boolean[] taken; // [blocks] of the run that begins here
    private final int[] head = new int[ORDERS]; // first free run of that size, or NONE
    private final int[] next; // [blocks] next free run of the same size, or NONE
    private final int[] previous; // [blocks]
    private int free;

    BuddyAllocator(int blocks) {
        order = new byte[RunAllocator.checkedBlocks(blocks)];
        taken = new boolean[blocks];
        next = new int[blocks];
        previous = new int[blocks];
        free = blocks;
        Arrays.fill(order, INSIDE);
        Arrays.fill(head, NONE);
        for (int first = 0; first < blocks; ) {
            int fits = log2(blocks - first);
            int size = first == 0 ? fits : Math.min(fits, Integer.numberOfTrailingZeros(first));
            link(first, size);
            first += 1 << size;
        }
    }

    @Override
    public int free() {
        return free;
    }

    @Override
    public int longestFree() {
        for (int size = ORDERS - 1; size >= 0; size--) {
            if (head[size] != NONE) {
                return 1 << size;
            }
        }
        return 0;
    }

    @Override
    public int rounded(int count) {
        return 1 << order(count);
    }

    /// log2 of the run that `count` blocks need.
    private static int order(int count) {
        return RunAllocator.checkedCount(count) == 1 ? 0 : log2(count - 1) + 1;
    }

    @Override
    public int allocate(int count) {
        int wanted = order(count);
        int size = wanted;
        while (size < ORDERS && head[size] == NONE) {
            size++;
        }
        if (size >= ORDERS) {
            return NONE;
        }
        return take(head[size], wanted);
    }

    /// The lowest of all free runs that are large enough: O(free runs).
    @Override
    public int allocateLowest(int count) {
        int wanted = order(count);
        int lowest = NONE;
        for (int size = wanted; size < ORDERS; size++) {
            for (int first = head[size]; first != NONE; first = next[first]) {
                lowest = lowest == NONE ? first : Math.min(lowest, first);
            }
        }
        return lowest == NONE ? NONE : take(lowest, wanted);
    }

    /// Takes the first `1 << wanted` blocks of a free run, and leaves the rest as halves.
    private int take(int first, int wanted) {
        int size = order[first];
        unlink(first);
        while (size > wanted) {
            size--;
            link(first + (1 << size), size);
        }
        order[first] = (byte) size;
        taken[first] = true;
        free -= 1 << size;
        return first;
    }

    @Override
    public int size(int first) {
        return 1 << order[checked(first)];
    }

    @Override
    public void release(int first) {
        int begin = checked(first);
        int size = order[first];
        free += 1 << size;
        order[first] = INSIDE;
        taken[first] = false;
        for (int buddy = begin ^ 1 << size; isFree(buddy, size); buddy = begin ^ 1 << size) {
            unlink(buddy);
            begin = Math.min(begin, buddy);
            size++;
        }
        link(begin, size);
    }

    private boolean isFree(int first, int size) {
        return first < order.length && order[first] == size && !taken[first];
    }

    private int checked(int first) {
        if (first < 0 || first >= order.length || order[first] == INSIDE || !taken[first]) {
            throw RunAllocator.noRun(first, order.length);
        }
        return first;
    }

    private void link(int first, int size) {
        order[first] = (byte) size;
        taken[first] = false;
        next[first] = head[size];
        previous[first] = NONE;
        if (head[size] != NONE) {
            previous[head[size]] = first;
        }
        head[size] = first;
    }

    private void unlink(int first) {
        if (previous[first] == NONE) {
            head[order[first]] = next[first];
        } else {
            next[previous[first]] = next[first];
        }
        if (next[first] != NONE) {
            previous[next[first]] = previous[first];
        }
        order[first] = INSIDE;
    }

    private static int log2(int value) {
        return 31 - Integer.numberOfLeadingZeros(value);
    }

    @Override
    public void checkInvariants() {
        int counted = 0;
        int linked = 0;
        for (int size = 0; size < ORDERS; size++) {
            for (int first = head[size]; first != NONE; first = next[first]) {
                if (order[first] != size || taken[first] || ++linked > order.length) {
                    throw new CorruptStateException("free run must be linked by its size: first=" + first + ", size="
                            + (1 << size) + ", order=" + order[first]);
                }
            }
        }
        for (int first = 0; first < order.length; first += 1 << order[first]) {
            checkRun(first);
            counted += taken[first] ? 0 : 1 << order[first];
            linked -= taken[first] ? 0 : 1;
        }
        if (counted != free || linked != 0) {
            throw new CorruptStateException(
                    "allocator must count what is free: counted=" + counted + ", free=" + free + ", linked=" + linked);
        }
    }

    private void checkRun(int first) {
        int size = order[first] == INSIDE ? 0 : 1 << order[first];
        if (size == 0 || first % size != 0 || first + size > order.length) {
            throw new CorruptStateException("runs must cover the blocks: first=" + first + ", size=" + size);
        }
        for (int block = first + 1; block < first + size; block++) {
            if (order[block] != INSIDE) {
                throw new CorruptStateException("runs must not overlap: first=" + first + ", block=" + block);
            }
        }
        int buddy = first ^ size;
        if (!taken[first] && isFree(buddy, order[first])) {
            throw new CorruptStateException("free buddies must have merged: first=" + first + ", buddy=" + buddy);
        }
    }
}
