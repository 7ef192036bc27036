package dev.quire.sampling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class PhiloxTest {
    /// The known answer of Random123's `kat_vectors` for philox4x32-10 with counter and key zero: 6627e8d5 e169c58d …
    @Test
    void uniform_zeroCounterAndKey_isTheKnownAnswer() {
        long high = 0x6627e8d5L >>> 5;
        long low = 0xe169c58dL >>> 6;
        assertEquals((high * 67108864.0 + low) / 9007199254740992.0, Philox.uniform(0, 0));
    }

    @Test
    void uniform_dependsOnSeedAndCounter_highWordsToo() {
        double draw = Philox.uniform(1, 1);
        assertNotEquals(draw, Philox.uniform(1, 2));
        assertNotEquals(draw, Philox.uniform(2, 1));
        assertNotEquals(draw, Philox.uniform(1L << 40, 1));
        assertNotEquals(draw, Philox.uniform(1, 1L << 40));
        assertEquals(draw, Philox.uniform(1, 1));
    }

    @Test
    void uniform_fillsTheUnitIntervalEvenly() {
        int[] bins = new int[16];
        for (int i = 0; i < 16_000; i++) {
            bins[(int) (Philox.uniform(42, i) * 16)]++;
        }
        for (int count : bins) {
            // 1,000 expected, standard deviation 31: six of them.
            assertTrue(Math.abs(count - 1000) < 186, "count=" + count);
        }
    }
}
