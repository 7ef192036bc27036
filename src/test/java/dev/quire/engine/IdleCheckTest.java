package dev.quire.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class IdleCheckTest {
    private static final long START = Long.MAX_VALUE - 500_000_000; // nanoTime may overflow

    private final IdleCheck check = new IdleCheck();

    @Test
    void firstCheck_isDueAtOnce() {
        assertTrue(check.wanted());
        assertEquals(0, check.waitNanos(START));
    }

    @Test
    void nothingRanSince_noCheckIsWanted() {
        check.done(START);
        assertFalse(check.wanted());
    }

    @Test
    void ranSince_isDueASecondAfterTheLastCheck() {
        check.done(START);
        check.ran();
        assertTrue(check.wanted());
        assertEquals(1_000_000_000, check.waitNanos(START));
        assertEquals(300_000_000, check.waitNanos(START + 700_000_000));
        assertEquals(0, check.waitNanos(START + 1_000_000_000));
        assertEquals(0, check.waitNanos(START + 5_000_000_000L));
    }
}
