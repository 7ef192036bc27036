package dev.quire.cache;

/// Runs by first or best fit. Taken and free runs lie one behind the other and cover all blocks; each knows its
/// length at its first block and its beginning at its last, so a run that is given back merges with free
/// neighbours in O(1). Allocation looks at every run: O(runs).
final class FitAllocator implements RunAllocator {
    private final boolean best;
    private final int[] size; // [blocks] of the run that begins here, or 0
    private final int[] start; // [blocks] first block of the run that ends here; else unspecified
    private final boolean[] taken; // [blocks] of the run that begins here
    private int free;

    FitAllocator(int blocks, boolean best) {
        this.best = best;
        size = new int[RunAllocator.checkedBlocks(blocks)];
        start = new int[blocks];
        taken = new boolean[blocks];
        free = blocks;
        put(0, blocks, false);
    }

    @Override
    public int free() {
        return free;
    }

    @Override
    public int longestFree() {
        int longest = 0;
        for (int first = 0; first < size.length; first += size[first]) {
            longest = taken[first] ? longest : Math.max(longest, size[first]);
        }
        return longest;
    }

    @Override
    public int rounded(int count) {
        return count;
    }

    @Override
    public int allocate(int count) {
        return allocate(count, best);
    }

    @Override
    public int allocateLowest(int count) {
        return allocate(count, false);
    }

    private int allocate(int count, boolean shortest) {
        RunAllocator.checkedCount(count);
        int chosen = NONE;
        for (int first = 0; first < size.length; first += size[first]) {
            boolean fits = !taken[first] && size[first] >= count;
            if (fits && (chosen == NONE || size[first] < size[chosen])) {
                chosen = first;
                if (!shortest) {
                    break;
                }
            }
        }
        if (chosen != NONE) {
            int rest = size[chosen] - count;
            put(chosen, count, true);
            if (rest > 0) {
                put(chosen + count, rest, false);
            }
            free -= count;
        }
        return chosen;
    }

    @Override
    public int size(int first) {
        return size[checked(first)];
    }

    @Override
    public void release(int first) {
        int begin = checked(first);
        int length = size[first];
        free += length;
        int after = first + length;
        if (after < size.length && !taken[after]) {
            length += size[after];
            size[after] = 0;
        }
        if (first > 0 && !taken[start[first - 1]]) {
            begin = start[first - 1];
            length += size[begin];
            size[first] = 0;
        }
        put(begin, length, false);
    }

    private void put(int first, int length, boolean isTaken) {
        size[first] = length;
        start[first + length - 1] = first;
        taken[first] = isTaken;
    }

    private int checked(int first) {
        if (first < 0 || first >= size.length || size[first] == 0 || !taken[first]) {
            throw RunAllocator.noRun(first, size.length);
        }
        return first;
    }

    @Override
    public void checkInvariants() {
        int counted = 0;
        int runs = 0;
        int first = 0;
        for (boolean before = true; first < size.length; first += size[first]) {
            if (size[first] <= 0 || first + size[first] > size.length || start[first + size[first] - 1] != first) {
                throw new CorruptStateException("runs must cover the blocks: first=" + first + ", size=" + size[first]);
            }
            if (!before && !taken[first]) {
                throw new CorruptStateException("free neighbours must have merged: first=" + first);
            }
            before = taken[first];
            counted += taken[first] ? 0 : size[first];
            runs++;
        }
        for (int block = 0; block < size.length; block++) {
            runs -= size[block] > 0 ? 1 : 0;
        }
        if (counted != free || runs != 0) {
            throw new CorruptStateException(
                    "allocator must count what is free: counted=" + counted + ", free=" + free + ", runs=" + runs);
        }
    }
}
