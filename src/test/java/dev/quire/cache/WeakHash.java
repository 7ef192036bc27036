package dev.quire.cache;

/// Prefix indexes whose hash function is bad on purpose, for tests outside this package: what a collision may
/// never do is seen only where there are some.
public final class WeakHash {
    private WeakHash() {}

    /// An index that keeps the lowest `bits` bits of each hash, 0 … 64: with 0, any two blocks collide.
    public static PrefixIndex index(int blocks, int blockSize, int bits) {
        long mask = bits == Long.SIZE ? -1 : (1L << bits) - 1;
        return new PrefixIndex(
                blocks, blockSize, (parent, token, from, count) -> BlockHash.of(parent, token, from, count) & mask);
    }
}
