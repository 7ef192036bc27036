package dev.quire.engine;

import dev.quire.cache.BlockLog;
import dev.quire.engine.StatsBoard.Entry;
import io.smallrye.mutiny.Multi;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.SubmissionPublisher;
import java.util.concurrent.atomic.AtomicInteger;

/// Tells listeners what becomes of blocks, one batch a turn. Nothing is recorded as long as nobody listens, and
/// nobody is waited for: who is {@link #LAG} batches behind misses the next ones, and is told how many events.
///
/// The JDK's publisher keeps the batches of a listener and hands them out on threads of its own, so a listener's
/// code never runs on the engine thread. Any thread listens; the engine thread begins, delivers and closes.
final class CacheFeed {
    /// Each costs the engine thread an offer a turn.
    static final int LISTENERS = 8;

    /// Batches that a listener may be behind: a second or so of steps, 12 MiB at most.
    static final int LAG = 64;

    private static final int RETRY_AFTER_SECONDS = 1;

    private final BlockLog log;
    private final StatsBoard stats;
    private final AtomicInteger places = new AtomicInteger();
    private final CopyOnWriteArrayList<Listener> listeners = new CopyOnWriteArrayList<>();
    private volatile boolean closed;

    CacheFeed(BlockLog log, StatsBoard stats) {
        this.log = log;
        this.stats = stats;
    }

    /// One listener's batches; the engine thread offers.
    private static final class Listener {
        private final SubmissionPublisher<CacheEvents> publisher =
                new SubmissionPublisher<>(Thread::startVirtualThread, LAG);
        private long missed;

        void offer(CacheEvents events, long lost) {
            boolean dropped = publisher.offer(events.after(missed), null) < 0;
            missed = (dropped ? missed + events.count() : 0) + lost;
        }
    }

    /// What becomes of blocks from the next turn on, until the engine ends; to be subscribed to once. Cancelling
    /// ends it. Any thread.
    Inspection<Multi<CacheEvents>> listen() {
        if (places.getAndUpdate(taken -> taken < LISTENERS ? taken + 1 : taken) >= LISTENERS) {
            return new Inspection.Busy<>("listeners", LISTENERS, RETRY_AFTER_SECONDS);
        }
        var listener = new Listener();
        return new Inspection.Answered<>(Multi.createFrom()
                .publisher(listener.publisher)
                .onSubscription()
                .invoke(() -> add(listener))
                .onTermination()
                .invoke(() -> remove(listener)));
    }

    private void add(Listener listener) {
        listeners.add(listener);
        if (closed) {
            listener.publisher.close(); // the engine thread no longer offers
        }
    }

    private void remove(Listener listener) {
        if (listeners.remove(listener)) {
            places.decrementAndGet();
        }
    }

    /// Listeners that hear of what happens.
    int listeners() {
        return listeners.size();
    }

    /// Engine thread: a turn begins.
    void begin() {
        log.record(!listeners.isEmpty());
    }

    /// Engine thread: the turn ends; what was recorded in it is told.
    void deliver() {
        if (log.count() > 0) {
            CacheEvents events = CacheEvents.of(log, stats.value(Entry.STEPS));
            for (Listener listener : listeners) {
                listener.offer(events, log.dropped());
            }
            log.clear();
        }
    }

    /// Engine thread: nothing more happens.
    void close() {
        deliver();
        closed = true;
        for (Listener listener : listeners) {
            listener.publisher.close();
        }
    }
}
