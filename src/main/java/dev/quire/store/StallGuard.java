package dev.quire.store;

import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/// Closes a body that brings nothing for too long, which ends the read that waits on it.
final class StallGuard implements AutoCloseable {
    private final Thread thread;
    private volatile boolean ended;
    private volatile long aliveNanos = System.nanoTime();

    StallGuard(InputStream body, Duration stall) {
        thread = Thread.ofVirtual().name("quire-stall").start(() -> watch(body, stall.toNanos()));
    }

    void alive() {
        aliveNanos = System.nanoTime();
    }

    private void watch(InputStream body, long stallNanos) {
        try {
            while (!ended) {
                long rest = stallNanos - (System.nanoTime() - aliveNanos);
                if (rest <= 0) {
                    close(body);
                    return;
                }
                TimeUnit.NANOSECONDS.sleep(rest);
            }
        } catch (InterruptedException e) {
            // The body has come to its end.
        }
    }

    @Override
    public void close() {
        ended = true;
        thread.interrupt();
    }

    private static void close(InputStream body) {
        try {
            body.close();
        } catch (IOException e) {
            // It is being given up.
        }
    }
}
