package dev.quire.engine;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.cache.BlockPool;
import dev.quire.cache.CacheLayout;
import dev.quire.cache.PagedLayout;
import dev.quire.cache.PrefixIndex;
import dev.quire.cache.SequenceBlocks;
import dev.quire.kernel.Batch;
import dev.quire.kernel.Kernels;
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
/// Each test takes a pool of its own over the same cache, so what blocks hold before they are written is what the
/// test before left there.
///
/// Sequences are told apart by their seeds, so each must have its own.
final class TurnedEngine implements AutoCloseable {
    /// Sequences that run at once, at most.
    static final int MOST_SEQUENCES = 16;

    /// A token that was drawn: its position, and the logits that it was drawn from.
    record Draw(int position, int token, float[] logits) {}

    private final ModelLoading loading;
    private final Map<Long, List<Draw>> draws = new HashMap<>();
    private Inbox inbox;
    private StatsBoard stats;
    private BlockPool pool;
    private CacheLayout layout;
    private Scheduler scheduler;
    private EngineLoop loop;
    private long unwritten;

    TurnedEngine(QuireSettings settings) {
        loading = ModelLoading.open(settings);
    }

    /// Begins anew with an empty pool of `blocks` blocks, `budget` tokens a step, and sharing or not.
    void begin(int blocks, int budget, boolean sharing) {
        int sequences = Math.min(MOST_SEQUENCES, budget);
        var limits = new SchedulerLimits(budget, sequences, sequences, 0);
        inbox = new Inbox(1000);
        stats = new StatsBoard(inbox);
        pool = new BlockPool(
                blocks,
                Kernels.PAGE_TOKENS,
                sharing ? new PrefixIndex(blocks, Kernels.PAGE_TOKENS) : PrefixIndex.off());
        layout = new PagedLayout(pool);
        scheduler = new Scheduler(layout, limits, new PreemptionCost(PreemptionCost.Mode.AUTO));
        loop = new EngineLoop(
                inbox,
                new Outbox(Duration.ofMinutes(1).toNanos()),
                stats,
                layout,
                scheduler,
                loading.transformer(),
                loading.kernels(),
                loading.batch());
        draws.clear();
        unwritten = 0;
    }

    BlockPool pool() {
        return pool;
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

    void cancel(Sequence sequence) {
        inbox.cancel(sequence);
    }

    /// One step; false if there was nothing to compute.
    boolean turn() {
        boolean stepped = loop.turn();
        scheduler.checkInvariants();
        if (stepped) {
            keepDraws();
        }
        return stepped;
    }

    /// Turns until all is answered, and every block given back.
    void run() {
        while (turn()) {}
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
