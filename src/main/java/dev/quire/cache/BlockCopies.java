package dev.quire.cache;

/// Whole blocks that must be copied before a step writes, in this order: `source(i)` → `destination(i)`. Made once
/// and reused. The order counts: a block may be the source of one copy and the destination of another.
public final class BlockCopies {
    private final int[] source;
    private final int[] destination;
    private int count;

    /// Room for `capacity` copies.
    public BlockCopies(int capacity) {
        source = new int[capacity];
        destination = new int[capacity];
    }

    /// Copies to make.
    public int count() {
        return count;
    }

    public int source(int index) {
        return source[checked(index)];
    }

    public int destination(int index) {
        return destination[checked(index)];
    }

    public void clear() {
        count = 0;
    }

    /// Takes all of `other`'s, behind its own.
    public void takeAll(BlockCopies other) {
        for (int i = 0; i < other.count; i++) {
            add(other.source[i], other.destination[i]);
        }
        other.clear();
    }

    int capacity() {
        return source.length;
    }

    /// Copies that there is still room for.
    int room() {
        return source.length - count;
    }

    void add(int from, int to) {
        source[count] = from;
        destination[count] = to;
        count++;
    }

    private int checked(int index) {
        if (index < 0 || index >= count) {
            throw new IllegalArgumentException("index must be below count: index=" + index + ", count=" + count);
        }
        return index;
    }
}
