package dev.quire.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.cache.BlockPool;
import dev.quire.cache.CacheLayout;
import dev.quire.cache.CompactionLimits;
import dev.quire.cache.PagedLayout;
import dev.quire.cache.SequenceBlocks;
import dev.quire.kernel.Batch;
import dev.quire.sampling.BeamParameters;
import dev.quire.scheduler.BeamGroup;
import dev.quire.scheduler.PreemptionCost;
import dev.quire.scheduler.Scheduler;
import dev.quire.scheduler.SchedulerLimits;
import dev.quire.scheduler.Sequence;
import dev.quire.scheduler.StepPlan;
import dev.quire.scheduler.TokenBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// A model and its kernels with the step loop turned by hand, which keeps the logits of every token that is drawn.
/// Each test takes a layout of its own over the same cache, so what blocks hold before they are written is what the
/// test before left there.
///
/// Sequences are told apart by their seeds, so each must have its own.
final class TurnedEngine implements AutoCloseable {
    /// Sequences that run at once, at most.
    static final int MOST_SEQUENCES = 16;

    /// Slots of the largest swap space.
    static final int SWAP_SLOTS = 64;

    private static final int MOST_TURNS = 10_000;

    /// A token that was drawn: its position, and the logits that it was drawn from.
    record Draw(int position, int token, float[] logits) {}

    private final ModelLoading loading;
    private final Map<Long, List<Draw>> draws = new HashMap<>();
    private Inbox inbox;
    private StatsBoard stats;
    private CacheLayout layout;
    private LateCopies copies;
    private Scheduler scheduler;
    private EngineLoop loop;
    private long unwritten;
    private int turns;

    TurnedEngine(QuireSettings settings) {
        loading = ModelLoading.open(settings);
        loading.kernels().openSwap(SWAP_SLOTS);
    }

    /// Begins anew in `layout`, all of it free, with `budget` tokens a step. Who gives way is swapped where there is
    /// room; a copy to or from the swap space takes `lag` turns.
    void begin(CacheLayout layout, int budget, int lag) {
        int sequences = Math.min(MOST_SEQUENCES, budget);
        var limits = new SchedulerLimits(budget, sequences, sequences, 0);
        inbox = new Inbox(1000);
        stats = new StatsBoard(inbox);
        this.layout = layout;
        copies = new LateCopies(loading.kernels(), lag);
        scheduler = new Scheduler(layout, limits, new PreemptionCost(PreemptionCost.Mode.SWAP));
        loop = new EngineLoop(
                inbox,
                new Outbox(Duration.ofMinutes(1).toNanos()),
                stats,
                layout,
                scheduler,
                loading.transformer(),
                copies.kernels(),
                loading.batch());
        draws.clear();
        unwritten = 0;
        turns = 0;
    }

    CacheLayout layout() {
        return layout;
    }

    BlockPool pool() {
        return layout.pool();
    }

    /// What the kernels copied since `begin`.
    LateCopies copies() {
        return copies;
    }

    Scheduler scheduler() {
        return scheduler;
    }

    EngineStats stats() {
        return stats.read();
    }

    int vocabulary() {
        return loading.model().vocabulary();
    }

    /// A group of `choices` answers, which comes in at the next turn.
    List<Sequence> send(Sequence.Spec spec, int choices) {
        List<Sequence> group = Sequence.group(spec, choices, layout);
        assertTrue(inbox.offer(group.getFirst()));
        return group;
    }

    /// A search for as many answers as it has beams, which comes in at the next turn.
    BeamGroup send(Sequence.Spec spec, BeamParameters parameters) {
        var group = new BeamGroup(spec, parameters.width(), parameters, vocabulary(), layout);
        assertTrue(inbox.offer(group.leader()));
        return group;
    }

    void cancel(Sequence sequence) {
        inbox.cancel(sequence);
    }

    /// Asks for a compaction that copies `copies` blocks between two steps, however little the pool is fragmented.
    void compact(int copies) {
        loop.compactor().ask(new CompactionLimits(0, copies));
    }

    /// One step; false if there was nothing to compute.
    boolean turn() {
        assertTrue(++turns < MOST_TURNS, "requests must come to an end");
        copies.turn();
        long steps = stats.read().steps();
        boolean busy = loop.turn();
        scheduler.checkInvariants();
        if (stats.read().steps() > steps) { // else it waited for copies
            keepDraws();
        }
        return busy;
    }

    /// Turns until all is answered.
    void run() {
        while (turn()) {}
    }

    /// Throws unless every block and every slot of the swap space has been given back.
    void checkEmpty() {
        layout.checkInvariants();
        assertEquals(0, pool().inUse() + pool().inTransit() + swapped(), "blocks and slots in use");
    }

    /// Slots of the swap space that are in use.
    int swapped() {
        return layout instanceof PagedLayout paged ? paged.space().used() : 0;
    }

    /// One step in which `lost` is cancelled after the kernels have computed it and before anybody hears of it.
    void turnAndLose(Sequence lost) {
        for (Sequence sequence = inbox.takeAdded(); sequence != null; sequence = inbox.takeAdded()) {
            scheduler.add(sequence);
            inbox.free(1);
        }
        var builder = new BatchBuilder(loading.batch());
        StepPlan plan = scheduler.plan();
        builder.build(plan);
        new BlockCopier(loading.kernels()).carryOut(plan.copies());
        loading.transformer().forward(loading.batch());
        scheduler.end(lost, TokenBuffer.Ending.CANCELLED, "");
        scheduler.checkInvariants();
        keepDraws(); // of the lost one too: they are right all the same
        boolean[] computed = new boolean[plan.sequences()];
        for (int i = 0; i < computed.length; i++) {
            computed[i] = scheduler.computed(i);
        }
        for (int i = 0; i < computed.length; i++) {
            if (computed[i] && builder.drawRow(i) != BatchBuilder.NO_ROW) {
                scheduler.commit(plan.sequence(i), loading.batch().outToken.get(builder.drawRow(i)));
            }
        }
        scheduler.checkInvariants();
    }

    private void keepDraws() {
        Batch batch = loading.batch();
        for (int i = 0; i < batch.tokens; i++) {
            unwritten += batch.slot.get(i) == SequenceBlocks.NO_SLOT ? 1 : 0;
        }
        for (int row = 0; row < batch.rows; row++) {
            var logits = new float[vocabulary()];
            loading.kernels().readLogits(row, logits);
            draws.computeIfAbsent(batch.seed.get(row), seed -> new ArrayList<>())
                    .add(new Draw((int) batch.counter.get(row), batch.outToken.get(row), logits));
        }
    }

    /// Tokens that were computed without being written into the cache, since `begin`.
    long unwritten() {
        return unwritten;
    }

    /// What was drawn for the sequence with `seed`, in the order of the steps.
    List<Draw> draws(long seed) {
        return draws.getOrDefault(seed, List.of());
    }

    @Override
    public void close() {
        loading.close();
    }
}
