package dev.quire.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class SwapSpaceTest {
    private final SwapSpace space = new SwapSpace(3);

    private void check(int used) {
        space.checkInvariants();
        assertEquals(used, space.used());
        assertEquals(3 - used, space.free());
    }

    @Test
    void slot_fillsAndEmptiesAndIsFreeOnlyThen() {
        assertEquals(0, space.take());
        assertFalse(space.full(0));
        check(1);
        space.landed(0);
        assertTrue(space.full(0));
        space.empty(0);
        assertFalse(space.full(0));
        check(1);
        assertEquals(1, space.take());
        space.landed(0);
        check(1);
        assertEquals(0, space.take());
    }

    @Test
    void slotOfAnOwnerThatIsGone_isFreeWhenItsCopyIsDone() {
        int filling = space.take();
        space.release(filling);
        check(1);
        assertEquals(1, space.take());
        space.landed(filling);
        check(1);
        assertEquals(filling, space.take());
    }

    @Test
    void releaseOfAFullSlot_freesItAtOnce() {
        int slot = space.take();
        space.landed(slot);
        space.release(slot);
        check(0);
    }

    @Test
    void fullSpace_isRefused_andStaysAsItWas() {
        for (int i = 0; i < 3; i++) {
            space.take();
        }
        var e = assertThrows(IllegalStateException.class, space::take);
        assertEquals("swap space must have a free slot: slots=3, free=0", e.getMessage());
        check(3);
        assertThrows(IllegalStateException.class, () -> new SwapSpace(0).take());
    }

    @Test
    void wrongState_isCorruption_andStaysAsItWas() {
        var free = assertThrows(CorruptStateException.class, () -> space.release(0));
        assertEquals("slot must be FULL: slot=0, state=FREE, slots=3", free.getMessage());
        assertThrows(CorruptStateException.class, () -> space.landed(0));
        assertThrows(CorruptStateException.class, () -> space.empty(0));
        int slot = space.take();
        assertThrows(CorruptStateException.class, () -> space.empty(slot));
        space.release(slot);
        assertThrows(CorruptStateException.class, () -> space.release(slot)); // twice
        check(1);
        space.landed(slot);
        assertThrows(CorruptStateException.class, () -> space.landed(slot));
        check(0);
    }

    @Test
    void emptyingSlot_cannotBeReleased() {
        int slot = space.take();
        space.landed(slot);
        space.empty(slot);
        assertThrows(CorruptStateException.class, () -> space.release(slot));
        check(1);
    }

    @Test
    void negativeSize_isRefused() {
        var e = assertThrows(IllegalArgumentException.class, () -> new SwapSpace(-1));
        assertEquals("slots must not be negative: slots=-1", e.getMessage());
    }
}
