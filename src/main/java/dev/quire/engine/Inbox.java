package dev.quire.engine;

import dev.quire.scheduler.Sequence;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/// Where other threads meet the engine's: new sequences and what ends them early go in, the engine thread takes them
/// out.
///
/// One bound covers what lies here and what the scheduler has not started yet: a place is taken by `offer` and given
/// back by `free`. The choices of one request have one place: their leader's. Ends need no bound of their own: a few at
/// most for each sequence that was let in. Questions and small jobs, which are no sequences, are among the `commands`.
///
/// Any thread offers, stops, cancels and asks; only the engine thread takes.
final class Inbox {
    private final int capacity;
    private final AtomicInteger taken = new AtomicInteger();
    private final ArrayBlockingQueue<Sequence> added;
    private final ConcurrentLinkedQueue<Sequence> stopped = new ConcurrentLinkedQueue<>();
    private final ConcurrentLinkedQueue<Sequence> cancelled = new ConcurrentLinkedQueue<>();
    private final Commands commands = new Commands(this::wake);
    private volatile Thread reader;

    Inbox(int capacity) {
        if (capacity <= 0) {
            throw new IllegalArgumentException("capacity must be positive: capacity=" + capacity);
        }
        this.capacity = capacity;
        added = new ArrayBlockingQueue<>(capacity);
    }

    int capacity() {
        return capacity;
    }

    /// Requests that count against the bound.
    int taken() {
        return taken.get();
    }

    /// Lets a sequence in, and those that follow it; false if the bound is reached.
    boolean offer(Sequence sequence) {
        if (taken.getAndUpdate(places -> places < capacity ? places + 1 : places) >= capacity) {
            return false;
        }
        added.add(sequence);
        wake();
        return true;
    }

    /// Asks the engine to end a sequence whose reader has found a stop text in it.
    void stop(Sequence sequence) {
        stopped.add(sequence);
        wake();
    }

    /// Asks the engine to end a sequence that nobody wants any more.
    void cancel(Sequence sequence) {
        cancelled.add(sequence);
        wake();
    }

    /// Gives back `places` of the bound.
    void free(int places) {
        taken.addAndGet(-places);
    }

    /// The next new sequence, or null.
    Sequence takeAdded() {
        return added.poll();
    }

    /// The next sequence whose answer is complete, or null. It has run, so whoever takes knows it.
    Sequence takeStopped() {
        return stopped.poll();
    }

    /// The next sequence to cancel, or null. It was let in before it was cancelled: whoever takes new ones after
    /// this call knows it.
    Sequence takeCancelled() {
        return cancelled.poll();
    }

    /// What is to be done between two steps.
    Commands commands() {
        return commands;
    }

    boolean isEmpty() {
        return added.isEmpty() && stopped.isEmpty() && cancelled.isEmpty() && commands.isEmpty();
    }

    /// Names the thread that takes, so that others can wake it.
    void attach(Thread thread) {
        reader = thread;
    }

    void wake() {
        LockSupport.unpark(reader);
    }
}
