package dev.quire.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.quire.engine.Inspection;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class InspectionsTest {
    private static ApiException refusal(Inspection<?> inspection) {
        return assertThrows(ApiException.class, () -> Inspections.value(inspection));
    }

    @Test
    void answered_isItsValue() {
        assertEquals("seen", Inspections.value(new Inspection.Answered<>("seen")));
    }

    @Test
    void busy_is429_withRetryAfter() {
        ApiException e = refusal(new Inspection.Busy<>("listeners", 8, 1));
        assertEquals(429, e.status());
        assertEquals(OptionalInt.of(1), e.retryAfterSeconds());
        assertEquals("listeners at once must be at most their bound: capacity=8", e.getMessage());
    }

    @Test
    void unavailable_is503_withRetryAfter() {
        ApiException e = refusal(new Inspection.Unavailable<>("loading the model", 1));
        assertEquals(503, e.status());
        assertEquals(OptionalInt.of(1), e.retryAfterSeconds());
        assertEquals("engine must run: reason=loading the model", e.getMessage());
    }
}
