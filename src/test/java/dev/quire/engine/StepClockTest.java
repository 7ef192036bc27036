package dev.quire.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.quire.engine.StepClock.Part;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StepClockTest {
    private long now = 1_000;
    private final StepClock clock = new StepClock(() -> now);

    @Test
    void lap_countsTheTimeSinceTheLastOne() {
        now += 30;
        clock.lap(Part.SCHEDULE);
        now += 5;
        clock.lap(Part.BUILD);
        now += 7;
        clock.lap(Part.SCHEDULE);
        assertEquals(37, clock.nanos(Part.SCHEDULE));
        assertEquals(5, clock.nanos(Part.BUILD));
        assertEquals(0, clock.nanos(Part.WAIT));
        assertEquals(1_042, clock.markNanos());
    }

    @Test
    void lap_innerTime_isCountedOnce() {
        now += 100;
        clock.lap(Part.KERNELS, Part.SAMPLE, 12);
        assertEquals(88, clock.nanos(Part.KERNELS));
        assertEquals(12, clock.nanos(Part.SAMPLE));
    }

    @Test
    void randomLaps_addUpToTheTimeThatPassed() {
        var random = new Random(5);
        for (int i = 0; i < 1_000; i++) {
            int passed = random.nextInt(1_000);
            now += passed;
            Part part = Part.values()[random.nextInt(6)];
            clock.lap(part, Part.values()[random.nextInt(6)], random.nextInt(passed + 1));
        }
        long total = 0;
        for (Part part : Part.values()) {
            total += clock.nanos(part);
        }
        assertEquals(now - 1_000, total);
    }
}
