package dev.quire.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.cache.BlockPool;
import dev.quire.cache.PagedLayout;
import dev.quire.sampling.SamplingParameters;
import dev.quire.scheduler.Sequence;
import dev.quire.scheduler.TokenBuffer;
import java.util.BitSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class InboxTest {
    private static final BlockPool POOL = new BlockPool(4, 16);

    private static Sequence sequence() {
        return new Sequence(
                new Sequence.Spec(
                        0,
                        0,
                        new int[] {1},
                        1,
                        SamplingParameters.greedy(),
                        new BitSet(),
                        TokenBuffer.NO_LOGPROBS,
                        false,
                        ""),
                new PagedLayout(POOL));
    }

    @Test
    void offer_beyondTheBound_isRefused_untilAPlaceIsFreed() {
        var inbox = new Inbox(2);
        var first = sequence();
        assertTrue(inbox.offer(first));
        assertTrue(inbox.offer(sequence()));
        assertFalse(inbox.offer(sequence()));
        assertEquals(2, inbox.taken());
        // Taking it out is not enough: it waits in the scheduler now.
        assertSame(first, inbox.takeAdded());
        assertFalse(inbox.offer(sequence()));
        inbox.free(1);
        assertTrue(inbox.offer(sequence()));
    }

    @Test
    void take_isInOrder_andNullWhenEmpty() {
        var inbox = new Inbox(2);
        var sequence = sequence();
        inbox.cancel(sequence);
        assertFalse(inbox.isEmpty());
        assertNull(inbox.takeAdded());
        assertSame(sequence, inbox.takeCancelled());
        assertTrue(inbox.isEmpty());
    }

    @Test
    void stopped_areTakenApartFromTheCancelled() {
        var inbox = new Inbox(2);
        var sequence = sequence();
        inbox.stop(sequence);
        assertFalse(inbox.isEmpty());
        assertNull(inbox.takeCancelled());
        assertSame(sequence, inbox.takeStopped());
        assertTrue(inbox.isEmpty());
    }

    @Test
    void newInbox_withoutRoom_isRefused() {
        var e = assertThrows(IllegalArgumentException.class, () -> new Inbox(0));
        assertEquals("capacity must be positive: capacity=0", e.getMessage());
    }

    @Test
    void manyThreads_neverExceedTheBound() throws InterruptedException {
        var inbox = new Inbox(50);
        var accepted = new AtomicInteger();
        var go = new CountDownLatch(1);
        Thread[] threads = new Thread[8];
        for (int i = 0; i < threads.length; i++) {
            threads[i] = Thread.ofPlatform().start(() -> {
                try {
                    go.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
                for (int k = 0; k < 100; k++) {
                    if (inbox.offer(sequence())) {
                        accepted.incrementAndGet();
                    }
                }
            });
        }
        go.countDown();
        for (Thread thread : threads) {
            thread.join();
        }
        assertEquals(50, accepted.get());
        assertEquals(50, inbox.taken());
    }
}
