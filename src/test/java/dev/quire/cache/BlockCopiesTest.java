package dev.quire.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

class BlockCopiesTest {
    @Test
    void add_copies_areKeptInOrderUntilCleared() {
        var copies = new BlockCopies(2);
        assertEquals(0, copies.count());
        copies.add(5, 9);
        copies.add(7, 5);
        assertEquals(2, copies.count());
        assertEquals(5, copies.source(0));
        assertEquals(9, copies.destination(0));
        assertEquals(7, copies.source(1));
        assertEquals(5, copies.destination(1));
        copies.clear();
        assertEquals(0, copies.count());
    }

    @Test
    void source_copyThatIsNotThere_isRefused() {
        var copies = new BlockCopies(2);
        copies.add(5, 9);
        var e = assertThrows(IllegalArgumentException.class, () -> copies.source(1));
        assertEquals("index must be below count: index=1, count=1", e.getMessage());
        assertThrows(IllegalArgumentException.class, () -> copies.destination(1));
        assertThrows(IllegalArgumentException.class, () -> copies.source(-1));
    }
}
