package dev.quire.health;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.engine.EngineStats;
import dev.quire.engine.EngineStats.State;
import dev.quire.engine.ReadinessLimits;
import dev.quire.engine.ReadinessLimits.Basis;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;

/// When a server says that it is not ready, told in milliseconds; the hold time is 5,000.
class ReadinessRuleTest {
    private static final long START = 1_000_000; // of the clock, in milliseconds
    private static final int HOLD = 5_000;
    private static final int NOT_SHORT = -1;

    private final ReadinessRule rule = rule(Basis.BLOCKS);

    private static ReadinessRule rule(Basis basis) {
        return new ReadinessRule(new ReadinessLimits(basis, Duration.ofMillis(HOLD), 2, 10));
    }

    /// A hundred blocks; four requests may wait.
    private static EngineStats stats(State state, int headroom, int waiting, long shortSinceMillis) {
        long since = shortSinceMillis == NOT_SHORT ? 0 : (START + shortSinceMillis) * 1_000_000;
        return new EngineStats(
                state,
                "a reason",
                16,
                100,
                headroom,
                0,
                100 - headroom,
                0,
                60,
                60,
                1024,
                160,
                1,
                waiting,
                4,
                0,
                9,
                0,
                0,
                0,
                0,
                0,
                0,
                new EngineStats.StepNanos(0, 0, 0, 0, 0, 0),
                new EngineStats.Sharing(0, 0, 0, 0, 0, 0, 0),
                new EngineStats.Peaks(0, 0, 0, 0),
                new EngineStats.Contiguous(
                        new EngineStats.Reserved(0, 0, 0, 0, 0), new EngineStats.Reserved(0, 0, 0, 0, 0)),
                new EngineStats.Swap(0, 0, 0, 0, 0),
                new EngineStats.Headroom(2, 10, since == 0 ? 0 : 1, since, 0, 0),
                new EngineStats.Fragmentation(0, 0, 0, 0, 0),
                new EngineStats.Moves(0, 0, 0, 0, 0));
    }

    private static EngineStats plenty() {
        return stats(State.READY, 50, 0, NOT_SHORT);
    }

    private static EngineStats shortSince(long millis) {
        return stats(State.READY, 1, 2, millis);
    }

    private boolean look(EngineStats stats, long millis) {
        return rule.look(stats, (START + millis) * 1_000_000);
    }

    @Test
    void fewBlocks_alone_areHealth() {
        for (long now = 0; now < 60_000; now += 100) {
            assertTrue(look(stats(State.READY, 0, 3, NOT_SHORT), now));
        }
        assertEquals("", rule.reason());
    }

    @Test
    void shortForTheHoldTime_isDown_notEarlier() {
        assertTrue(look(shortSince(0), 4_999));
        assertFalse(look(shortSince(0), 5_000));
        assertEquals(
                "headroom must be at least the low watermark, or nobody deferred: headroom=1, low=2, deferred=1",
                rule.reason());
    }

    @Test
    void boundReached_isDownAtOnce() {
        assertTrue(look(plenty(), 0));
        assertFalse(look(stats(State.READY, 50, 4, NOT_SHORT), 100));
        assertEquals("waiting must be below capacity: waiting=4, capacity=4", rule.reason());
    }

    @Test
    void spell_endsAboveTheHighWatermarkWithRoomToWait() {
        assertFalse(look(shortSince(0), 5_000));
        assertFalse(look(stats(State.READY, 10, 0, NOT_SHORT), 5_100), "not above");
        assertFalse(look(stats(State.READY, 11, 4, NOT_SHORT), 5_200), "no room");
        assertTrue(look(stats(State.READY, 11, 3, NOT_SHORT), 5_300));
        assertEquals("", rule.reason());
    }

    @Test
    void spell_endsAfterTheHoldTime_andTheNextBeginsNoEarlierThanAnotherLater() {
        assertFalse(look(shortSince(0), 5_000));
        assertFalse(look(shortSince(0), 9_999));
        assertTrue(look(shortSince(0), 10_000));
        assertTrue(look(shortSince(0), 14_999));
        assertTrue(look(stats(State.READY, 0, 4, 0), 14_999));
        assertFalse(look(shortSince(0), 15_000));
    }

    @Test
    void engineThatDoesNotTakeRequests_isDownAtOnceAndBackAtOnce() {
        assertTrue(look(plenty(), 0));
        for (State state : new State[] {State.STARTING, State.DRAINING, State.FAILED, State.STOPPED}) {
            assertFalse(look(stats(state, 50, 0, NOT_SHORT), 100));
            assertEquals("a reason", rule.reason());
            assertTrue(look(plenty(), 200));
        }
    }

    @Test
    void basisEngine_looksAtTheEngineAlone() {
        ReadinessRule engine = rule(Basis.ENGINE);
        assertTrue(engine.look(stats(State.READY, 0, 4, 0), (START + 60_000) * 1_000_000));
        assertFalse(engine.look(stats(State.DRAINING, 50, 0, NOT_SHORT), (START + 60_001) * 1_000_000));
    }

    /// Whatever the engine goes through: no spell is longer than the hold time and a look, none begins earlier
    /// than a hold time after the last, and there is none while neither blocks nor room were missing.
    @Test
    void randomLoad_keepsTheTimes() {
        var random = new Random(1);
        for (int run = 0; run < 200; run++) {
            ReadinessRule each = rule(Basis.BLOCKS);
            int period = 1 + random.nextInt(2_000);
            long spellSince = -1;
            long readySince = Long.MIN_VALUE / 2;
            long shortSince = NOT_SHORT;
            for (long now = 0; now < 200_000; now += period) {
                boolean isShort = random.nextInt(10) > 0 && now % 60_000 > 20_000;
                shortSince = isShort ? (shortSince == NOT_SHORT ? now : shortSince) : NOT_SHORT;
                int headroom = isShort ? 1 : random.nextInt(30);
                int waiting = random.nextInt(20) == 0 ? 4 : random.nextInt(4);
                boolean ready = each.look(stats(State.READY, headroom, waiting, shortSince), (START + now) * 1_000_000);
                if (!ready && spellSince < 0) {
                    assertTrue(now - readySince >= HOLD, "a spell must not begin so soon");
                    assertTrue(waiting == 4 || (shortSince != NOT_SHORT && now - shortSince >= HOLD), "a reason");
                    spellSince = now;
                } else if (!ready) {
                    assertTrue(now - spellSince < HOLD, "a spell must end");
                } else if (spellSince >= 0) {
                    spellSince = -1;
                    readySince = now;
                }
            }
        }
    }
}
