package dev.quire.engine;

import dev.quire.engine.EngineStats.State;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicReference;

/// The engine's numbers for other threads. The engine thread overwrites them after every step without allocating; a
/// reader copies them and tries again if a step came in between (a seqlock), so what it returns was true at one
/// moment.
final class StatsBoard {
    /// What is on the board, in the order of {@link EngineStats}' numbers.
    enum Entry {
        BLOCK_SIZE,
        BLOCKS,
        FREE,
        CACHED,
        IN_USE,
        IN_TRANSIT,
        TOKENS_STORED,
        BLOCK_BYTES,
        RUNNING,
        LAST_STEP_NANOS,
        STEPS,
        PREEMPTIONS,
        PROMPT_TOKENS,
        GENERATED_TOKENS,
        FINISHED,
        CANCELLED,
        FAILED,
        WAIT_NANOS,
        SCHEDULE_NANOS,
        BUILD_NANOS,
        KERNEL_NANOS,
        SAMPLE_NANOS,
        DELIVER_NANOS
    }

    private static final int ENTRIES = Entry.values().length;

    private final Inbox inbox;
    private final long[] values = new long[ENTRIES];
    private volatile long version; // odd while the engine thread writes
    private final AtomicReference<Condition> condition =
            new AtomicReference<>(new Condition(State.STARTING, "loading the model"));

    /// State and reason, changed together.
    private record Condition(State state, String reason) {}

    StatsBoard(Inbox inbox) {
        this.inbox = inbox;
    }

    State state() {
        return condition.get().state();
    }

    /// Any thread.
    void state(State state, String reason) {
        condition.set(new Condition(state, reason));
    }

    /// Engine thread: starting is over; nothing changes if the engine has been stopped meanwhile.
    void ready() {
        Condition now = condition.get();
        if (now.state() == State.STARTING) {
            condition.compareAndSet(now, new Condition(State.READY, ""));
        }
    }

    /// Engine thread: begins an update.
    void begin() {
        version = version + 1;
        VarHandle.storeStoreFence();
    }

    /// Engine thread, within an update.
    void put(Entry entry, long value) {
        values[entry.ordinal()] = value;
    }

    /// Engine thread, within an update.
    void add(Entry entry, long value) {
        values[entry.ordinal()] += value;
    }

    /// Engine thread: ends an update.
    void end() {
        VarHandle.releaseFence();
        version = version + 1;
    }

    /// Any thread.
    EngineStats read() {
        long[] copy = new long[ENTRIES];
        long before;
        do {
            before = version;
            VarHandle.acquireFence();
            System.arraycopy(values, 0, copy, 0, ENTRIES);
            VarHandle.acquireFence();
            Thread.onSpinWait();
        } while ((before & 1) != 0 || before != version);
        Condition now = condition.get();
        return new EngineStats(
                now.state(),
                now.reason(),
                whole(copy, Entry.BLOCK_SIZE),
                whole(copy, Entry.BLOCKS),
                whole(copy, Entry.FREE),
                whole(copy, Entry.CACHED),
                whole(copy, Entry.IN_USE),
                whole(copy, Entry.IN_TRANSIT),
                copy[Entry.TOKENS_STORED.ordinal()],
                copy[Entry.BLOCK_BYTES.ordinal()],
                whole(copy, Entry.RUNNING),
                inbox.taken(),
                inbox.capacity(),
                copy[Entry.LAST_STEP_NANOS.ordinal()],
                copy[Entry.STEPS.ordinal()],
                copy[Entry.PREEMPTIONS.ordinal()],
                copy[Entry.PROMPT_TOKENS.ordinal()],
                copy[Entry.GENERATED_TOKENS.ordinal()],
                copy[Entry.FINISHED.ordinal()],
                copy[Entry.CANCELLED.ordinal()],
                copy[Entry.FAILED.ordinal()],
                new EngineStats.StepNanos(
                        copy[Entry.WAIT_NANOS.ordinal()],
                        copy[Entry.SCHEDULE_NANOS.ordinal()],
                        copy[Entry.BUILD_NANOS.ordinal()],
                        copy[Entry.KERNEL_NANOS.ordinal()],
                        copy[Entry.SAMPLE_NANOS.ordinal()],
                        copy[Entry.DELIVER_NANOS.ordinal()]));
    }

    private static int whole(long[] values, Entry entry) {
        return Math.toIntExact(values[entry.ordinal()]);
    }
}
