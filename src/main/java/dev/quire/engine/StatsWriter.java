package dev.quire.engine;

import dev.quire.cache.BlockPool;
import dev.quire.cache.BlockTransfers;
import dev.quire.cache.CacheLayout;
import dev.quire.engine.StatsBoard.Entry;
import dev.quire.engine.StepClock.Part;
import dev.quire.scheduler.ContiguousShadow;
import dev.quire.scheduler.Scheduler;
import dev.quire.scheduler.Sequence;
import dev.quire.scheduler.TokenBuffer;

/// Writes the engine's numbers on the board: peaks after a plan, all of them after a step, a request when it ends.
///
/// Not thread-safe: the engine thread owns it.
final class StatsWriter {
    private final StatsBoard stats;
    private final Scheduler scheduler;
    private final BlockPool pool;
    private final BlockTransfers transfers;
    private final StepClock clock;
    private final FragmentationGauge fragmentation;
    private int low;
    private long shortSinceNanos; // 0 = blocks are not short

    StatsWriter(StatsBoard stats, CacheLayout layout, Scheduler scheduler, StepClock clock) {
        this.stats = stats;
        this.scheduler = scheduler;
        this.clock = clock;
        pool = layout.pool();
        transfers = layout.transfers();
        fragmentation = new FragmentationGauge(layout);
    }

    /// How large a block is, how long a sequence can get, and the watermarks of readiness, before the first step.
    void pool(long blockBytes, int modelLength, ReadinessLimits limits) {
        low = limits.low();
        stats.begin();
        stats.put(Entry.LOW_WATERMARK, limits.low());
        stats.put(Entry.HIGH_WATERMARK, limits.high());
        stats.put(Entry.BLOCK_BYTES, blockBytes);
        stats.put(Entry.MODEL_LENGTH, modelLength);
        stats.end();
        step(0, 0);
    }

    /// Counts the request that `sequence`, which has just ended, is a choice of: once, with the last of them.
    void count(Sequence sequence) {
        TokenBuffer.Ending ending = sequence.requestEnding();
        if (ending != null) {
            stats.begin();
            stats.add(
                    switch (ending) {
                        case STOP, LENGTH -> Entry.FINISHED;
                        case CANCELLED -> Entry.CANCELLED;
                        case FAILED -> Entry.FAILED;
                    },
                    1);
            stats.end();
        }
    }

    /// After a plan: a step takes all its blocks in it, and gives some back when it commits.
    void peaks() {
        ContiguousShadow contiguous = scheduler.contiguous();
        stats.begin();
        stats.raise(Entry.PEAK_RUNNING, scheduler.running());
        stats.raise(Entry.PEAK_SAVED, pool.saved());
        stats.raise(Entry.PEAK_MODEL_BLOCKS, contiguous.modelBlocks());
        stats.raise(Entry.PEAK_MODEL_FITTING, contiguous.modelFitting());
        stats.raise(Entry.PEAK_REQUEST_BLOCKS, contiguous.requestBlocks());
        stats.raise(Entry.PEAK_REQUEST_FITTING, contiguous.requestFitting());
        stats.end();
    }

    /// After a step that computed `promptTokens` tokens of prompts and drew `drawn`.
    void step(int promptTokens, int drawn) {
        stats.begin();
        stats.put(Entry.RUNNING, scheduler.running());
        stats.put(Entry.PREEMPTIONS, scheduler.preemptions());
        stats.put(Entry.LAST_STEP_NANOS, clock.markNanos());
        stats.put(Entry.WAIT_NANOS, clock.nanos(Part.WAIT));
        stats.put(Entry.SCHEDULE_NANOS, clock.nanos(Part.SCHEDULE));
        stats.put(Entry.BUILD_NANOS, clock.nanos(Part.BUILD));
        stats.put(Entry.KERNEL_NANOS, clock.nanos(Part.KERNELS));
        stats.put(Entry.SAMPLE_NANOS, clock.nanos(Part.SAMPLE));
        stats.put(Entry.DELIVER_NANOS, clock.nanos(Part.DELIVER));
        stats.add(Entry.STEPS, promptTokens + drawn > 0 ? 1 : 0);
        stats.add(Entry.PROMPT_TOKENS, promptTokens);
        stats.add(Entry.GENERATED_TOKENS, drawn);
        putPool();
        putHeadroom();
        putContiguous(scheduler.contiguous());
        stats.end();
    }

    private void putPool() {
        stats.put(Entry.BLOCK_SIZE, pool.blockSize());
        stats.put(Entry.BLOCKS, pool.blocks());
        stats.put(Entry.FREE, pool.free());
        stats.put(Entry.CACHED, pool.cached());
        stats.put(Entry.IN_TRANSIT, pool.inTransit());
        stats.put(Entry.IN_USE, pool.inUse());
        stats.put(Entry.PEAK_IN_USE, pool.peak());
        stats.put(Entry.TOKENS_STORED, pool.tokensInUse());
        stats.put(Entry.SHARED, pool.shared());
        stats.put(Entry.SAVED, pool.saved());
        stats.put(Entry.COPIES, pool.copies());
        stats.put(Entry.EVICTIONS, pool.evictions());
        stats.put(Entry.PREFIX_QUERIES, scheduler.prefixQueries());
        stats.put(Entry.PREFIX_HITS, scheduler.prefixHits());
        stats.put(Entry.RESTARTS, scheduler.restarts());
        stats.put(Entry.SWAPS, scheduler.swaps());
        stats.put(Entry.SWAP_SLOTS, transfers.slots());
        stats.put(Entry.SWAP_SLOTS_USED, transfers.slotsUsed());
        stats.put(Entry.SWAPPED_OUT, transfers.copiedOut());
        stats.put(Entry.SWAPPED_IN, transfers.copiedIn());
        stats.raise(Entry.PEAK_SAVED, pool.saved()); // forks share at the commit
        stats.raise(Entry.PEAK_WASTE, pool.reservedTokens() + pool.internalTokens());
        fragmentation.put(stats, clock.markNanos());
    }

    private void putHeadroom() {
        if (scheduler.deferred() == 0 || pool.available() >= low) {
            shortSinceNanos = 0;
        } else if (shortSinceNanos == 0) {
            shortSinceNanos = clock.markNanos() | 1; // never 0
        }
        stats.put(Entry.DEFERRED, scheduler.deferred());
        stats.put(Entry.SHORT_SINCE_NANOS, shortSinceNanos);
        stats.put(Entry.HEADROOM, scheduler.headroom());
        stats.put(Entry.PLACES, scheduler.places());
    }

    private void putContiguous(ContiguousShadow contiguous) {
        stats.put(Entry.TOKENS_LOGICAL, contiguous.tokens());
        stats.put(Entry.MODEL_BLOCKS, contiguous.modelBlocks());
        stats.put(Entry.MODEL_FITTING, contiguous.modelFitting());
        stats.put(Entry.REQUEST_BLOCKS, contiguous.requestBlocks());
        stats.put(Entry.REQUEST_FITTING, contiguous.requestFitting());
        stats.raise(Entry.PEAK_MODEL_WASTE, slots(contiguous.modelBlocks()) - contiguous.tokens());
        stats.raise(Entry.PEAK_REQUEST_WASTE, slots(contiguous.requestBlocks()) - contiguous.tokens());
    }

    private long slots(long blocks) {
        return blocks * pool.blockSize();
    }
}
