package dev.quire.engine;

import dev.quire.cache.CorruptStateException;
import dev.quire.kernel.KernelFaultException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/// What other threads have the engine thread do between two steps, one command a turn: what a command sees is of
/// one moment, and a step waits for one command at most, which must therefore be short.
///
/// At most {@link #CAPACITY} wait. One that was taken in is answered whatever becomes of the engine; its caller's
/// code never runs on the engine thread.
///
/// Any thread asks and closes; only the engine thread carries out.
final class Commands {
    /// Few: whoever asks is a person, or a tool that asks one thing after another.
    static final int CAPACITY = 8;

    private static final int RETRY_AFTER_SECONDS = 1;

    private final Runnable wake;
    private final AtomicInteger waiting = new AtomicInteger();
    private final ConcurrentLinkedQueue<Pending<?>> queue = new ConcurrentLinkedQueue<>();
    private volatile String closedReason; // null until nothing is carried out any more

    /// `wake`: tells the engine thread that there is something to do.
    Commands(Runnable wake) {
        this.wake = wake;
    }

    /// A command and whom to tell.
    private record Pending<T>(Supplier<T> command, CompletableFuture<Inspection<T>> answer) {
        /// Tells on a thread of its own: what the caller does then is none of the engine's time.
        void tell(Inspection<T> outcome) {
            Thread.startVirtualThread(() -> answer.complete(outcome));
        }

        void unavailable(String reason) {
            tell(Commands.unavailable(reason));
        }

        void carryOut() {
            try {
                tell(new Inspection.Answered<>(command.get()));
            } catch (CorruptStateException | KernelFaultException e) {
                unavailable("the engine has stopped: " + e.getMessage());
                throw e; // the engine stops
            } catch (RuntimeException e) {
                Thread.startVirtualThread(() -> answer.completeExceptionally(e));
            } catch (Error e) {
                unavailable("the engine has stopped: " + e.getMessage());
                throw e;
            }
        }
    }

    static <T> Inspection<T> unavailable(String reason) {
        return new Inspection.Unavailable<>(reason, RETRY_AFTER_SECONDS);
    }

    /// Has the engine thread carry `command` out. The stage completes exceptionally only if the command throws.
    <T> CompletionStage<Inspection<T>> ask(Supplier<T> command) {
        if (waiting.getAndUpdate(places -> places < CAPACITY ? places + 1 : places) >= CAPACITY) {
            return CompletableFuture.completedStage(
                    new Inspection.Busy<>("inspections", CAPACITY, RETRY_AFTER_SECONDS));
        }
        var pending = new Pending<>(command, new CompletableFuture<>());
        queue.add(pending);
        wake.run();
        refuseIfClosed(); // it may have been closed since: then nobody else would
        return pending.answer();
    }

    boolean isEmpty() {
        return queue.isEmpty();
    }

    /// Engine thread: does what has waited longest, if anything does.
    void carryOutNext() {
        if (!queue.isEmpty()) {
            Pending<?> pending = take();
            if (pending != null) {
                pending.carryOut();
            }
        }
    }

    /// Nothing is carried out from now on; those that wait, and those that come, are told why.
    void close(String reason) {
        closedReason = reason;
        refuseIfClosed();
    }

    private void refuseIfClosed() {
        String reason = closedReason;
        if (reason != null) {
            for (Pending<?> pending = take(); pending != null; pending = take()) {
                pending.unavailable(reason);
            }
        }
    }

    private Pending<?> take() {
        Pending<?> pending = queue.poll();
        if (pending != null) {
            waiting.decrementAndGet();
        }
        return pending;
    }
}
