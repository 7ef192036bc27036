package dev.quire.engine;

import java.util.concurrent.atomic.AtomicLong;

/// The heap that the answers of accepted requests may take: each gets room for all its tokens at the door, so that the
/// engine never waits for a reader, and many long ones with many choices would be more than there is. Any thread.
final class AnswerRoom {
    private final long bytes;
    private final AtomicLong taken = new AtomicLong();

    AnswerRoom(long bytes) {
        this.bytes = bytes;
    }

    /// A quarter of the heap: texts and JSON that are made of the tokens need some, too.
    static AnswerRoom ofHeap() {
        return new AnswerRoom(Runtime.getRuntime().maxMemory() / 4);
    }

    long bytes() {
        return bytes;
    }

    long taken() {
        return taken.get();
    }

    /// Takes `needed` bytes; false if there are not as many left.
    boolean take(long needed) {
        long before = taken.getAndUpdate(now -> needed <= bytes - now ? now + needed : now);
        return needed <= bytes - before;
    }

    /// Gives back what was taken.
    void free(long needed) {
        taken.addAndGet(-needed);
    }
}
