package dev.quire.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class BlockTransfersTest {
    private final BlockPool pool = new BlockPool(8, 4);
    private final SwapSpace space = new SwapSpace(4);
    private final BlockTransfers transfers = new BlockTransfers(pool, space);
    private final int[] block = new int[8];

    private void leave(int count) {
        pool.allocate(count, block, 0);
        for (int i = 0; i < count; i++) {
            int slot = space.take();
            transfers.add(true, block[i], slot);
            pool.depart(block[i]);
        }
    }

    private void check(int due, int inFlight) {
        pool.checkInvariants();
        space.checkInvariants();
        assertEquals(due, transfers.due());
        assertEquals(inFlight, transfers.inFlight());
        assertEquals(due + inFlight, pool.inTransit());
    }

    @Test
    void copies_areDueInOrder_thenInFlight_thenDoneByTicket() {
        leave(4);
        check(4, 0);
        for (int i = 0; i < 4; i++) {
            assertTrue(transfers.out(i));
            assertEquals(i, transfers.block(i));
            assertEquals(i, transfers.slot(i));
        }
        transfers.begun(2, 7);
        transfers.begun(1, 9);
        check(1, 3);
        assertEquals(3, transfers.block(0));
        assertEquals(7, transfers.ticket());
        transfers.done();
        check(1, 1);
        assertEquals(2, pool.leaving());
        assertTrue(space.full(0) && space.full(1) && !space.full(2));
        assertEquals(9, transfers.ticket());
        transfers.done();
        check(1, 0);
        transfers.begun(1, 10);
        transfers.done();
        check(0, 0);
        assertEquals(8, pool.free());
        assertEquals(4, space.used());
    }

    @Test
    void ring_goesRound() {
        for (int round = 0; round < 10; round++) {
            leave(3);
            transfers.begun(3, round);
            check(0, 3);
            transfers.done();
            for (int slot = 0; slot < 4; slot++) {
                if (space.full(slot)) {
                    space.release(slot);
                }
            }
            check(0, 0);
            assertEquals(4, space.free());
        }
    }

    @Test
    void moreCopiesThanSlots_areCorruption() {
        leave(4);
        var e = assertThrows(CorruptStateException.class, () -> transfers.add(true, 7, 0));
        assertEquals("a slot must be under one copy only: slots=4", e.getMessage());
        check(4, 0);
        assertThrows(
                CorruptStateException.class, () -> BlockTransfers.none(pool).add(true, 0, 0));
    }

    @Test
    void whatIsNotThere_isRefused_andStaysAsItWas() {
        var none = assertThrows(IllegalStateException.class, transfers::ticket);
        assertEquals("a copy must be in flight: inFlight=0", none.getMessage());
        assertThrows(IllegalStateException.class, transfers::done);
        leave(2);
        var beyond = assertThrows(IllegalArgumentException.class, () -> transfers.block(2));
        assertEquals("index must be below due: index=2, due=2", beyond.getMessage());
        assertThrows(IllegalArgumentException.class, () -> transfers.slot(-1));
        assertThrows(IllegalArgumentException.class, () -> transfers.out(2));
        var more = assertThrows(IllegalArgumentException.class, () -> transfers.begun(3, 1));
        assertEquals("count must be at most due: count=3, due=2", more.getMessage());
        assertThrows(IllegalArgumentException.class, () -> transfers.begun(-1, 1));
        check(2, 0);
    }
}
