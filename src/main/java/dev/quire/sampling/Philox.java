package dev.quire.sampling;

/// Philox4x32-10, a counter-based generator: the draw is a pure function of (seed, counter), so preemption, batch
/// mates and order cannot shift it. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section
/// 4.3.
public final class Philox {
    private static final int ROUNDS = 10;
    private static final long MULTIPLIER_0 = 0xD2511F53L;
    private static final long MULTIPLIER_1 = 0xCD9E8D57L;
    private static final int WEYL_0 = 0x9E3779B9;
    private static final int WEYL_1 = 0xBB67AE85;

    private Philox() {}

    /// A number in [0, 1) with 53 random bits: key = `seed` (low word first), counter = (`counter`, 0).
    public static double uniform(long seed, long counter) {
        int c0 = (int) counter;
        int c1 = (int) (counter >>> 32);
        int c2 = 0;
        int c3 = 0;
        int k0 = (int) seed;
        int k1 = (int) (seed >>> 32);
        for (int round = 0; round < ROUNDS; round++) {
            long p0 = MULTIPLIER_0 * (c0 & 0xFFFFFFFFL);
            long p1 = MULTIPLIER_1 * (c2 & 0xFFFFFFFFL);
            int n0 = (int) (p1 >>> 32) ^ c1 ^ k0;
            int n2 = (int) (p0 >>> 32) ^ c3 ^ k1;
            c1 = (int) p1;
            c3 = (int) p0;
            c0 = n0;
            c2 = n2;
            k0 += WEYL_0;
            k1 += WEYL_1;
        }
        long high = (c0 & 0xFFFFFFFFL) >>> 5;
        long low = (c1 & 0xFFFFFFFFL) >>> 6;
        return (high * 67108864.0 + low) * 0x1.0p-53;
    }
}
