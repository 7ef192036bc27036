package dev.quire.engine;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;

/// Carries the engine's word that there are new tokens to the streams: one thread, woken once a step, that lets each
/// stream emit what its reader asked for. So turning tokens into text never costs the engine thread anything.
///
/// A stream that has something to read and whose reader has not asked for longer than the time-out is given up.
/// Streams are at most as many as accepted requests.
final class Outbox implements AutoCloseable {
    private static final long CHECK_NANOS = 250_000_000; // how often time-outs are looked at when nothing happens

    private final long timeoutNanos;
    private final Map<TokenStream, Runnable> streams = new ConcurrentHashMap<>();
    private final Thread thread;
    private volatile boolean closed;

    Outbox(long timeoutNanos) {
        this.timeoutNanos = timeoutNanos;
        thread = Thread.ofPlatform().name("quire-outbox").daemon().unstarted(this::run);
    }

    void start() {
        thread.start();
    }

    /// `gone` runs once, when the stream has come to its end, is given up or removed.
    void add(TokenStream stream, Runnable gone) {
        streams.put(stream, gone);
    }

    void remove(TokenStream stream) {
        Runnable gone = streams.remove(stream);
        if (gone != null) {
            gone.run();
        }
    }

    /// There may be new tokens. Any thread; does not allocate.
    void wake() {
        LockSupport.unpark(thread);
    }

    /// Streams that have not come to their end.
    int open() {
        return streams.size();
    }

    private void run() {
        while (!closed) {
            LockSupport.parkNanos(this, CHECK_NANOS);
            drainAll();
        }
        drainAll();
    }

    private void drainAll() {
        long now = System.nanoTime();
        for (TokenStream stream : streams.keySet()) {
            stream.drain();
            boolean unread = stream.unreadNanos(now) > timeoutNanos;
            if (unread) {
                stream.expire();
            }
            if (unread || stream.done()) {
                remove(stream);
            }
        }
    }

    /// Emits what is left and ends the thread.
    @Override
    public void close() {
        closed = true;
        wake();
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
