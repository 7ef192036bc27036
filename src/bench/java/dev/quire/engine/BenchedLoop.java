package dev.quire.engine;

import dev.quire.cache.BlockPool;
import dev.quire.cache.PagedLayout;
import dev.quire.cache.PrefixIndex;
import dev.quire.format.ModelFile;
import dev.quire.kernel.Batch;
import dev.quire.kernel.BatchLimits;
import dev.quire.kernel.Kernels;
import dev.quire.kernel.ModelShape;
import dev.quire.model.Architecture;
import dev.quire.model.Transformer;
import dev.quire.sampling.SamplingParameters;
import dev.quire.scheduler.PreemptionCost;
import dev.quire.scheduler.Scheduler;
import dev.quire.scheduler.SchedulerLimits;
import dev.quire.scheduler.Sequence;
import dev.quire.scheduler.TokenBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.BitSet;
import java.util.List;
import java.util.function.BiFunction;

/// The server's own step loop with kernels of the caller's choice, turned on the caller's thread.
final class BenchedLoop implements AutoCloseable {
    static final int SEQUENCES = 32;
    static final int MOST_TOKENS = 1_200; // of a sequence, prompt and answer

    private static final int STEP_TOKENS = 512;
    private static final int CAPACITY = 1_024;

    private final ModelFile file;
    private final Kernels kernels;
    private final Inbox inbox = new Inbox(CAPACITY);
    private final Outbox outbox = new Outbox(Duration.ofMinutes(1).toNanos());
    private final StatsBoard stats = new StatsBoard(inbox);
    private final PagedLayout layout;
    private final Scheduler scheduler;
    private final EngineLoop loop;
    private long arrival;

    /// Over `model`, with a pool of `blocks` blocks, with a prefix cache or without.
    BenchedLoop(Path model, BiFunction<ModelShape, BatchLimits, Kernels> backend, int blocks, boolean prefix) {
        file = ModelFile.open(model);
        var architecture = Architecture.of(file.metadata());
        int contextLength = Math.min(MOST_TOKENS, architecture.contextLength(file.metadata()));
        ModelShape shape = architecture.shape(file, contextLength);
        int tableBlocks = Math.ceilDiv(MOST_TOKENS, Kernels.PAGE_TOKENS);
        var limits = new BatchLimits(STEP_TOKENS, SEQUENCES, SEQUENCES, tableBlocks, 0, 0);
        kernels = backend.apply(shape, limits);
        var transformer = Transformer.load(file, shape, kernels);
        kernels.openCache(blocks);
        var pool = new BlockPool(
                blocks, Kernels.PAGE_TOKENS, prefix ? new PrefixIndex(blocks, Kernels.PAGE_TOKENS) : PrefixIndex.off());
        layout = new PagedLayout(pool);
        var bounds = new SchedulerLimits(STEP_TOKENS, SEQUENCES, SEQUENCES, blocks / 100);
        scheduler = new Scheduler(layout, bounds, new PreemptionCost(PreemptionCost.Mode.AUTO));
        loop = new EngineLoop(inbox, outbox, stats, layout, scheduler, transformer, kernels, new Batch(limits));
        outbox.start();
    }

    /// Answers `prompts`, the i-th with `answerTokens[i]` tokens, all of which wait at the start; returns what the
    /// engine thread's time went into until the last one ended. The check of all invariants, which an idle engine
    /// does next, is not in it.
    EngineStats.StepNanos answer(List<int[]> prompts, int[] answerTokens) {
        loop.turn(); // so that what went before counts as waiting
        EngineStats before = stats.read();
        for (int i = 0; i < answerTokens.length; i++) {
            offer(prompts.get(i), answerTokens[i]);
        }
        do {
            loop.turn();
        } while (!scheduler.idle());
        if (scheduler.prefixHits() > 0 || scheduler.preemptions() > 0) {
            throw new IllegalStateException("nothing may be shared or preempted: prefixHits=" + scheduler.prefixHits()
                    + ", preemptions=" + scheduler.preemptions());
        }
        return difference(before.stepNanos(), stats.read().stepNanos());
    }

    private void offer(int[] prompt, int answerTokens) {
        var sequence = new Sequence(
                new Sequence.Spec(
                        arrival++,
                        0,
                        prompt,
                        answerTokens,
                        SamplingParameters.greedy(),
                        new BitSet(),
                        TokenBuffer.NO_LOGPROBS,
                        false,
                        ""),
                layout);
        if (!inbox.offer(sequence)) {
            throw new IllegalStateException("inbox must hold all sequences: capacity=" + inbox.capacity());
        }
    }

    private static EngineStats.StepNanos difference(EngineStats.StepNanos from, EngineStats.StepNanos to) {
        return new EngineStats.StepNanos(
                to.waiting() - from.waiting(),
                to.schedule() - from.schedule(),
                to.build() - from.build(),
                to.kernels() - from.kernels(),
                to.sample() - from.sample(),
                to.deliver() - from.deliver());
    }

    /// Steps since the start.
    long steps() {
        return stats.read().steps();
    }

    /// Cached blocks that were taken for something else, since the start.
    long evictions() {
        return layout.pool().evictions();
    }

    @Override
    public void close() {
        outbox.close();
        kernels.close();
        file.close();
    }
}
