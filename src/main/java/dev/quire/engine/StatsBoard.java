package dev.quire.engine;

import dev.quire.engine.EngineStats.State;
import java.lang.invoke.VarHandle;
import java.util.concurrent.atomic.AtomicReference;

/// The engine's numbers for other threads. The engine thread overwrites them after every step without allocating;
/// a reader copies them and tries again if a step came in between (a seqlock), so what it returns was true at one
/// moment.
final class StatsBoard {
    /// What is on the board; {@link EngineStats} says what each is.
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
        DELIVER_NANOS,
        TOKENS_LOGICAL,
        MODEL_LENGTH,
        PREFIX_QUERIES,
        PREFIX_HITS,
        EVICTIONS,
        COPIES,
        RESTARTS,
        SHARED,
        SAVED,
        MODEL_BLOCKS,
        MODEL_FITTING,
        REQUEST_BLOCKS,
        REQUEST_FITTING,
        PEAK_RUNNING,
        PEAK_IN_USE,
        PEAK_SAVED,
        PEAK_WASTE,
        PEAK_MODEL_BLOCKS,
        PEAK_MODEL_FITTING,
        PEAK_MODEL_WASTE,
        PEAK_REQUEST_BLOCKS,
        PEAK_REQUEST_FITTING,
        PEAK_REQUEST_WASTE,
        SWAPS,
        SWAP_SLOTS,
        SWAP_SLOTS_USED,
        SWAPPED_OUT,
        SWAPPED_IN,
        LOW_WATERMARK,
        HIGH_WATERMARK,
        DEFERRED,
        SHORT_SINCE_NANOS,
        HEADROOM,
        PLACES,
        RESERVED_TOKENS,
        INTERNAL_TOKENS,
        EXTERNAL_TOKENS,
        LONGEST_FREE,
        LONGEST_FREE_OF,
        COMPACTIONS,
        BLOCKS_MOVED,
        RELOCATIONS,
        RUNS_MISSED,
        RUNS_OUTGROWN
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

    /// Engine thread, within an update: the largest value so far.
    void raise(Entry entry, long value) {
        values[entry.ordinal()] = Math.max(values[entry.ordinal()], value);
    }

    /// Engine thread: what it last said.
    long value(Entry entry) {
        return values[entry.ordinal()];
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
                at(copy, Entry.TOKENS_STORED),
                at(copy, Entry.TOKENS_LOGICAL),
                at(copy, Entry.BLOCK_BYTES),
                whole(copy, Entry.MODEL_LENGTH),
                whole(copy, Entry.RUNNING),
                inbox.taken(),
                inbox.capacity(),
                at(copy, Entry.LAST_STEP_NANOS),
                at(copy, Entry.STEPS),
                at(copy, Entry.PREEMPTIONS),
                at(copy, Entry.PROMPT_TOKENS),
                at(copy, Entry.GENERATED_TOKENS),
                at(copy, Entry.FINISHED),
                at(copy, Entry.CANCELLED),
                at(copy, Entry.FAILED),
                stepNanos(copy),
                sharing(copy),
                new EngineStats.Peaks(
                        whole(copy, Entry.PEAK_RUNNING),
                        whole(copy, Entry.PEAK_IN_USE),
                        at(copy, Entry.PEAK_SAVED),
                        at(copy, Entry.PEAK_WASTE)),
                contiguous(copy),
                new EngineStats.Swap(
                        whole(copy, Entry.SWAP_SLOTS),
                        whole(copy, Entry.SWAP_SLOTS_USED),
                        at(copy, Entry.SWAPS),
                        at(copy, Entry.SWAPPED_OUT),
                        at(copy, Entry.SWAPPED_IN)),
                new EngineStats.Headroom(
                        whole(copy, Entry.LOW_WATERMARK),
                        whole(copy, Entry.HIGH_WATERMARK),
                        whole(copy, Entry.DEFERRED),
                        at(copy, Entry.SHORT_SINCE_NANOS),
                        whole(copy, Entry.HEADROOM),
                        whole(copy, Entry.PLACES)),
                fragmentation(copy),
                moves(copy));
    }

    private static EngineStats.Fragmentation fragmentation(long[] values) {
        return new EngineStats.Fragmentation(
                at(values, Entry.RESERVED_TOKENS),
                at(values, Entry.INTERNAL_TOKENS),
                at(values, Entry.EXTERNAL_TOKENS),
                whole(values, Entry.LONGEST_FREE),
                whole(values, Entry.LONGEST_FREE_OF));
    }

    private static EngineStats.Moves moves(long[] values) {
        return new EngineStats.Moves(
                at(values, Entry.COMPACTIONS),
                at(values, Entry.BLOCKS_MOVED),
                at(values, Entry.RELOCATIONS),
                at(values, Entry.RUNS_MISSED),
                at(values, Entry.RUNS_OUTGROWN));
    }

    private static EngineStats.StepNanos stepNanos(long[] values) {
        return new EngineStats.StepNanos(
                at(values, Entry.WAIT_NANOS),
                at(values, Entry.SCHEDULE_NANOS),
                at(values, Entry.BUILD_NANOS),
                at(values, Entry.KERNEL_NANOS),
                at(values, Entry.SAMPLE_NANOS),
                at(values, Entry.DELIVER_NANOS));
    }

    private static EngineStats.Sharing sharing(long[] values) {
        return new EngineStats.Sharing(
                whole(values, Entry.SHARED),
                at(values, Entry.SAVED),
                at(values, Entry.PREFIX_QUERIES),
                at(values, Entry.PREFIX_HITS),
                at(values, Entry.EVICTIONS),
                at(values, Entry.COPIES),
                at(values, Entry.RESTARTS));
    }

    private static EngineStats.Contiguous contiguous(long[] values) {
        return new EngineStats.Contiguous(
                new EngineStats.Reserved(
                        at(values, Entry.MODEL_BLOCKS),
                        whole(values, Entry.MODEL_FITTING),
                        at(values, Entry.PEAK_MODEL_BLOCKS),
                        whole(values, Entry.PEAK_MODEL_FITTING),
                        at(values, Entry.PEAK_MODEL_WASTE)),
                new EngineStats.Reserved(
                        at(values, Entry.REQUEST_BLOCKS),
                        whole(values, Entry.REQUEST_FITTING),
                        at(values, Entry.PEAK_REQUEST_BLOCKS),
                        whole(values, Entry.PEAK_REQUEST_FITTING),
                        at(values, Entry.PEAK_REQUEST_WASTE)));
    }

    private static long at(long[] values, Entry entry) {
        return values[entry.ordinal()];
    }

    private static int whole(long[] values, Entry entry) {
        return Math.toIntExact(at(values, entry));
    }
}
