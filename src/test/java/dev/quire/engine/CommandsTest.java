package dev.quire.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.cache.CorruptStateException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class CommandsTest {
    private final AtomicInteger woken = new AtomicInteger();
    private final Commands commands = new Commands(woken::incrementAndGet);

    private CompletableFuture<Inspection<Integer>> ask(int value) {
        return commands.ask(() -> value).toCompletableFuture();
    }

    private static <T> Inspection<T> answer(CompletableFuture<Inspection<T>> asked) {
        return asked.orTimeout(20, TimeUnit.SECONDS).join();
    }

    @Test
    void ask_isCarriedOutByTheEngineThread_oneATurn_inOrder() {
        CompletableFuture<Inspection<Integer>> first = ask(1);
        CompletableFuture<Inspection<Integer>> second = ask(2);
        assertEquals(2, woken.get());
        assertFalse(commands.isEmpty());
        commands.carryOutNext();
        assertEquals(new Inspection.Answered<>(1), answer(first));
        assertFalse(second.isDone());
        assertFalse(commands.isEmpty());
        commands.carryOutNext();
        assertEquals(new Inspection.Answered<>(2), answer(second));
        assertTrue(commands.isEmpty());
        commands.carryOutNext(); // nothing is left, and nothing happens
    }

    @Test
    void command_runsOnTheEngineThread_andWhatFollowsDoesNot() {
        CompletableFuture<Inspection<Thread>> asked =
                commands.ask(Thread::currentThread).toCompletableFuture();
        CompletableFuture<Thread> follower = asked.thenApply(_ -> Thread.currentThread());
        commands.carryOutNext();
        // In this order: whoever waits for the answer may run what follows it.
        assertNotSame(
                Thread.currentThread(), follower.orTimeout(20, TimeUnit.SECONDS).join());
        assertEquals(new Inspection.Answered<>(Thread.currentThread()), answer(asked));
    }

    @Test
    void ask_beyondTheBound_isBusy_untilOneIsDone() {
        List<CompletableFuture<Inspection<Integer>>> asked = new ArrayList<>();
        for (int i = 0; i < Commands.CAPACITY; i++) {
            asked.add(ask(i));
        }
        assertEquals(new Inspection.Busy<>("inspections", 8, 1), answer(ask(99)));
        commands.carryOutNext();
        CompletableFuture<Inspection<Integer>> next = ask(8);
        assertEquals(new Inspection.Busy<>("inspections", 8, 1), answer(ask(99)));
        for (int i = 0; i < Commands.CAPACITY; i++) {
            commands.carryOutNext();
        }
        assertEquals(new Inspection.Answered<>(0), answer(asked.getFirst()));
        assertEquals(new Inspection.Answered<>(8), answer(next));
    }

    @Test
    void close_tellsThoseThatWait_andThoseThatCome() {
        CompletableFuture<Inspection<Integer>> waiting = ask(1);
        commands.close("gone");
        assertEquals(new Inspection.Unavailable<>("gone", 1), answer(waiting));
        assertEquals(new Inspection.Unavailable<>("gone", 1), answer(ask(2)));
        assertTrue(commands.isEmpty());
        for (int i = 0; i < 2 * Commands.CAPACITY; i++) { // refused ones leave no place taken
            assertInstanceOf(Inspection.Unavailable.class, answer(ask(i)));
        }
    }

    @Test
    void command_thatThrows_failsAlone() {
        CompletableFuture<Inspection<Integer>> asked = commands.<Integer>ask(() -> {
                    throw new IllegalStateException("no such thing");
                })
                .toCompletableFuture();
        commands.carryOutNext();
        var e = assertThrows(CompletionException.class, () -> answer(asked));
        assertEquals("no such thing", e.getCause().getMessage());
        CompletableFuture<Inspection<Integer>> next = ask(1);
        commands.carryOutNext();
        assertEquals(new Inspection.Answered<>(1), answer(next));
    }

    @Test
    void command_thatFindsCorruptState_isAnswered_andStopsTheEngine() {
        var corrupt = new CorruptStateException("block must be free: block=1");
        CompletableFuture<Inspection<Integer>> asked = commands.<Integer>ask(() -> {
                    throw corrupt;
                })
                .toCompletableFuture();
        assertSame(corrupt, assertThrows(CorruptStateException.class, commands::carryOutNext));
        assertEquals(
                new Inspection.Unavailable<>("the engine has stopped: block must be free: block=1", 1), answer(asked));
    }

    /// Whoever asks while the engine ends is answered, whichever comes first.
    @Test
    void close_whileOthersAsk_leavesNobodyWithoutAnAnswer() throws InterruptedException {
        for (int round = 0; round < 500; round++) {
            var raced = new Commands(() -> {});
            var begin = new AtomicBoolean();
            List<CompletableFuture<Inspection<Integer>>> asked = new ArrayList<>();
            Thread asking = Thread.ofPlatform().start(() -> {
                while (!begin.get()) {
                    Thread.onSpinWait();
                }
                for (int i = 0; i < 4; i++) {
                    asked.add(raced.ask(() -> 1).toCompletableFuture());
                }
            });
            begin.set(true);
            raced.carryOutNext();
            raced.close("gone");
            asking.join();
            for (CompletableFuture<Inspection<Integer>> each : asked) {
                Inspection<Integer> answer = answer(each);
                assertTrue(
                        answer.equals(new Inspection.Answered<>(1))
                                || answer.equals(new Inspection.Unavailable<>("gone", 1)),
                        answer::toString);
            }
            assertTrue(raced.isEmpty());
        }
    }
}
