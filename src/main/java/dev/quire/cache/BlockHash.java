package dev.quire.cache;

/// The hash of a full block: XXH64 (Y. Collet, "xxHash fast digest algorithm", specification 0.1.1) of its token
/// ids as little-endian 32-bit integers, seeded with the hash of the block before it. So it names a whole prefix,
/// is the same in every process, and can be computed block by block as tokens come.
final class BlockHash {
    private static final long PRIME_1 = 0x9E3779B185EBCA87L;
    private static final long PRIME_2 = 0xC2B2AE3D27D4EB4FL;
    private static final long PRIME_3 = 0x165667B19E3779F9L;
    private static final long PRIME_4 = 0x85EBCA77C2B2AE63L;
    private static final long PRIME_5 = 0x27D4EB2F165667C5L;

    /// Tokens in one stripe of 32 bytes.
    private static final int STRIPE = 8;

    /// Hashes a block after the one whose hash is `parent`. Tests put another in, to make blocks collide.
    interface Function {
        long of(long parent, int[] token, int from, int count);
    }

    private BlockHash() {}

    /// What stands for the parent of a first block: the hash of `salt`'s UTF-16 units.
    static long root(String salt) {
        int[] units = salt.chars().toArray();
        return of(0, units, 0, units.length);
    }

    /// The hash of `token[from … from + count)` after `parent`.
    static long of(long parent, int[] token, int from, int count) {
        int at = from;
        int end = from + count;
        long hash;
        if (count >= STRIPE) {
            long lane1 = parent + PRIME_1 + PRIME_2;
            long lane2 = parent + PRIME_2;
            long lane3 = parent;
            long lane4 = parent - PRIME_1;
            for (; end - at >= STRIPE; at += STRIPE) {
                lane1 = round(lane1, pair(token, at));
                lane2 = round(lane2, pair(token, at + 2));
                lane3 = round(lane3, pair(token, at + 4));
                lane4 = round(lane4, pair(token, at + 6));
            }
            hash = Long.rotateLeft(lane1, 1)
                    + Long.rotateLeft(lane2, 7)
                    + Long.rotateLeft(lane3, 12)
                    + Long.rotateLeft(lane4, 18);
            hash = merge(merge(merge(merge(hash, lane1), lane2), lane3), lane4);
        } else {
            hash = parent + PRIME_5;
        }
        hash += (long) count * Integer.BYTES;
        for (; end - at >= 2; at += 2) {
            hash = Long.rotateLeft(hash ^ round(0, pair(token, at)), 27) * PRIME_1 + PRIME_4;
        }
        if (at < end) {
            hash = Long.rotateLeft(hash ^ (token[at] & 0xFFFFFFFFL) * PRIME_1, 23) * PRIME_2 + PRIME_3;
        }
        hash = (hash ^ hash >>> 33) * PRIME_2;
        hash = (hash ^ hash >>> 29) * PRIME_3;
        return hash ^ hash >>> 32;
    }

    private static long pair(int[] token, int at) {
        return token[at] & 0xFFFFFFFFL | (long) token[at + 1] << 32;
    }

    private static long round(long lane, long input) {
        return Long.rotateLeft(lane + input * PRIME_2, 31) * PRIME_1;
    }

    private static long merge(long hash, long lane) {
        return (hash ^ round(0, lane)) * PRIME_1 + PRIME_4;
    }
}
