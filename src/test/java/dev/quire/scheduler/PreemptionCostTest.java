package dev.quire.scheduler;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.scheduler.PreemptionCost.Mode;
import org.junit.jupiter.api.Test;

class PreemptionCostTest {
    @Test
    void forcedModes_askNoMeasurement() {
        assertTrue(new PreemptionCost(Mode.SWAP).swaps(1, 1_000_000));
        assertFalse(new PreemptionCost(Mode.RECOMPUTE).swaps(1_000_000, 1));
    }

    /// 1 ms a token, 0.1 ms a block each way.
    @Test
    void auto_withoutMeasurements_takesWhatIsCheaper() {
        var cost = new PreemptionCost(Mode.AUTO);
        assertTrue(cost.swaps(100, 499));
        assertFalse(cost.swaps(100, 501));
    }

    @Test
    void auto_followsMeasurements() {
        var cost = new PreemptionCost(Mode.AUTO);
        assertTrue(cost.swaps(100, 7));
        for (int i = 0; i < 100; i++) {
            cost.copied(320_000_000L, 32); // 10 ms a block
        }
        assertFalse(cost.swaps(100, 7));
        for (int i = 0; i < 100; i++) {
            cost.computed(500_000_000L, 100); // 5 ms a token
        }
        assertTrue(cost.swaps(100, 7));
    }

    @Test
    void oneSlowStep_movesTheMeanByAnEighth() {
        var cost = new PreemptionCost(Mode.AUTO);
        cost.computed(9_000_000L, 1); // 1 ms → 2 ms
        assertTrue(cost.swaps(100, 999));
        assertFalse(cost.swaps(100, 1001));
    }
}
