package dev.quire.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.quire.cache.BlockPool;
import dev.quire.cache.CacheLayout;
import dev.quire.cache.Compaction;
import dev.quire.cache.ContiguousLayout;
import dev.quire.cache.Fragmentation;
import dev.quire.cache.PagedLayout;
import dev.quire.cache.RunAllocator;
import dev.quire.cache.SequenceBlocks;
import dev.quire.scheduler.AdmissionPolicy;
import dev.quire.scheduler.BeamGroup;
import dev.quire.scheduler.Scheduler;
import dev.quire.scheduler.SchedulerLimits;
import dev.quire.scheduler.Sequence;
import dev.quire.scheduler.StepPlan;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// Counts again, from tables and memory alone, what pool and scheduler say of themselves.
final class Audit {
    private final BlockPool pool;
    private final Scheduler scheduler;
    private final SchedulerLimits limits;
    private final CacheLayout layout;
    private final RunAllocator.Policy policy; // of the contiguous layout
    private final FakeEngine engine;
    private final List<SimulatedSequence> sequences;
    private final int[] entries; // [blocks] table entries that name the block
    private final int[] beyond; // [blocks] slots of it that none of their sequences can get to

    Audit(
            CacheLayout layout,
            RunAllocator.Policy policy,
            Scheduler scheduler,
            SchedulerLimits limits,
            FakeEngine engine,
            List<SimulatedSequence> sequences) {
        this.layout = layout;
        this.policy = policy;
        this.engine = engine;
        this.sequences = sequences;
        pool = layout.pool();
        this.scheduler = scheduler;
        this.limits = limits;
        entries = new int[pool.blocks()];
        beyond = new int[pool.blocks()];
    }

    /// A plan keeps the bounds of a step and of admission, moves every running sequence and prefills after it
    /// decodes.
    void checkPlan(StepPlan plan, List<FakeEngine.Run> runs) {
        int tokens = 0;
        int rows = 0;
        long moving = runs.stream()
                .map(run -> leader(run.sequence().sequence))
                .distinct()
                .count();
        int admitted = 0;
        boolean prefill = false;
        for (FakeEngine.Run run : runs) {
            Sequence sequence = run.sequence().sequence;
            tokens += run.count();
            rows += scores(sequence, run) + (run.draws() ? 1 + sequence.followers() : 0);
            if (run.count() < 1 || (prefill && run.count() == 1)) {
                fail("runs must have tokens, and decoding ones come first: count=" + run.count() + ", "
                        + run.sequence());
            }
            prefill |= run.count() > 1;
            admitted += run.sequence().admitted() ? 1 : 0;
        }
        assertEquals(tokens, plan.tokens(), "plan.tokens");
        assertTrue(
                scheduler.running() == moving || (moving < scheduler.running() && scheduler.transferring()),
                "every running sequence moves, unless it waits for blocks: running=" + scheduler.running()
                        + ", planned=" + moving);
        runs.forEach(run -> checkLevel(run, runs));
        assertTrue(runs.size() > 0 || scheduler.transferring(), "a step must compute something, or wait for blocks");
        boolean watermark = limits.admission() == AdmissionPolicy.OPTIMISTIC && layout instanceof PagedLayout;
        if (watermark && admitted > 0 && runs.size() > 1 && pool.available() < limits.watermark()) {
            fail("admission must leave the watermark while others run: available=" + pool.available() + ", watermark="
                    + limits.watermark());
        }
        assertTrue(tokens <= limits.tokens() && rows <= limits.rows(), "tokens=" + tokens + ", rows=" + rows);
    }

    private static Sequence leader(Sequence sequence) {
        return sequence.beams().map(BeamGroup::leader).orElse(sequence);
    }

    /// Live beams that have parted are computed together, as many tokens of each.
    private static void checkLevel(FakeEngine.Run run, List<FakeEngine.Run> runs) {
        run.sequence().sequence.beams().ifPresent(group -> {
            long level = runs.stream()
                    .filter(other -> other.sequence().sequence.beams().equals(Optional.of(group))
                            && other.first() == run.first()
                            && other.count() == run.count())
                    .count();
            long all = runs.stream()
                    .filter(other -> other.sequence().sequence.beams().equals(Optional.of(group)))
                    .count();
            if (level != all
                    || (all != 1 && all != group.search().live())
                    || (run.draws() && all != group.search().live())) {
                fail("beams must be level: planned=" + all + ", level=" + level + ", live="
                        + group.search().live() + ", draws=" + run.draws() + ", " + run.sequence());
            }
        });
    }

    /// Prompt positions that `run` scores for the first time: each takes a logit row.
    static int scores(Sequence sequence, FakeEngine.Run run) {
        int end = Math.min(run.first() + run.count(), sequence.promptScores().maxTokens());
        return Math.max(0, end - Math.max(run.first(), sequence.promptScores().count()));
    }

    /// The counters of pool and scheduler say what the tables of running sequences say.
    void checkCounters() {
        Arrays.fill(entries, 0);
        int held = 0;
        for (SimulatedSequence each : sequences) {
            SequenceBlocks table = each.sequence.table();
            for (int k = 0; k < table.blocks(); k++) {
                if (table.block(k) >= 0) {
                    int most = Sequence.storedTokens(each.request.prompt().length, each.request.maxTokens());
                    int slots = Math.clamp((k + 1) * pool.blockSize() - most, 0, pool.blockSize());
                    int block = table.block(k);
                    beyond[block] = entries[block] == 0 ? slots : Math.min(beyond[block], slots);
                    entries[block]++;
                    held++;
                }
            }
        }
        int inUse = 0;
        int cached = 0;
        int shared = 0;
        for (int block = 0; block < entries.length; block++) {
            assertEquals(entries[block], pool.refCount(block), "references of a block");
            inUse += entries[block] > 0 ? 1 : 0;
            shared += entries[block] > 1 ? 1 : 0;
            cached += entries[block] == 0
                            && !engine.inTransit(block)
                            && pool.index().contains(block)
                    ? 1
                    : 0;
        }
        if (pool.free() + pool.cached() + pool.inUse() + pool.inTransit() != pool.blocks()
                || inUse != pool.inUse() + pool.inTransit() - pool.leaving()
                || cached != pool.cached()
                || shared != pool.shared()
                || held - inUse != pool.saved()
                || scheduler.prefixHits() > scheduler.prefixQueries()) {
            fail("counters must say what the tables say: free=" + pool.free() + ", cached=" + pool.cached()
                    + ", counted=" + cached + ", inUse=" + pool.inUse() + ", counted=" + inUse + ", shared="
                    + pool.shared() + ", counted=" + shared + ", saved=" + pool.saved() + ", counted="
                    + (held - inUse) + ", prefixHits=" + scheduler.prefixHits() + ", prefixQueries="
                    + scheduler.prefixQueries());
        }
        checkFragmentation();
    }

    /// What is wasted, and how far free blocks lie apart, counted block by block.
    private void checkFragmentation() {
        Fragmentation fragmentation = Fragmentation.of(layout);
        long slots = 0;
        long internal = 0;
        int available = 0;
        int longest = 0;
        int run = 0;
        for (int block = 0; block < entries.length; block++) {
            slots += entries[block] > 0 ? pool.blockSize() : 0;
            internal += entries[block] > 0 ? beyond[block] : 0;
            boolean free = entries[block] == 0 && !engine.inTransit(block);
            available += free ? 1 : 0;
            run = free ? run + 1 : 0;
            longest = Math.max(longest, run);
        }
        assertEquals(internal, fragmentation.internalTokens(), "internal waste");
        assertEquals(slots - internal - pool.tokensInUse(), fragmentation.reservedTokens(), "reserved waste");
        assertTrue(fragmentation.reservedTokens() >= 0, "reserved waste must not be negative");
        assertEquals(available, fragmentation.available(), "blocks that nobody holds");
        if (layout instanceof ContiguousLayout) {
            boolean merged = policy != RunAllocator.Policy.BUDDY;
            assertTrue(
                    merged ? longest == fragmentation.longestFree() : longest >= fragmentation.longestFree(),
                    "longest free run");
            assertEquals(
                    (long) (available - fragmentation.longestFree()) * pool.blockSize(),
                    fragmentation.externalTokens(),
                    "external waste");
        } else {
            assertEquals(longest, fragmentation.longestFree(), "longest free run");
            assertEquals(0, fragmentation.externalTokens(), "external waste");
        }
    }

    /// After a step: blocks hold as many tokens as the pool says, and cached ones are full.
    void checkMemory() {
        long tokens = 0;
        for (int block = 0; block < entries.length; block++) {
            boolean cached = pool.refCount(block) == 0 && pool.index().contains(block);
            if (engine.inTransit(block)) {
                tokens += pool.refCount(block) > 0 ? pool.used(block) : 0;
            } else if (pool.refCount(block) > 0 || cached) {
                int written = engine.memory().written(block);
                tokens += cached ? 0 : written;
                if (written != pool.used(block) || (cached && written != pool.blockSize())) {
                    fail("block must hold what it counts: block=" + block + ", used=" + pool.used(block) + ", written="
                            + written + ", cached=" + cached);
                }
            }
            if (pool.index().pending(block)) {
                fail("nothing may be promised between two steps: block=" + block);
            }
        }
        assertEquals(tokens, pool.tokensInUse(), "tokensInUse");
    }

    /// In the paged layout nobody holds a block above one that is available, but for those in transit.
    void checkCompact(Compaction compaction) {
        int lowest = 0;
        while (lowest < pool.blocks() && (pool.refCount(lowest) > 0 || engine.inTransit(lowest))) {
            lowest++;
        }
        for (int block = lowest + 1; block < pool.blocks() && !(layout instanceof ContiguousLayout); block++) {
            if (pool.refCount(block) > 0 && !engine.inTransit(block)) {
                fail("compaction must leave no hole: hole=" + lowest + ", block=" + block + ", moved="
                        + compaction.movedBlocks());
            }
        }
    }

    void checkIdle() {
        scheduler.checkInvariants();
        checkCounters();
        assertEquals(0, pool.inUse(), "blocks in use when idle");
        assertEquals(0, pool.inTransit(), "blocks in transit when idle");
        if (layout instanceof PagedLayout paged) {
            assertEquals(0, paged.space().used(), "slots of the swap space used when idle");
        }
        assertEquals(0, pool.tokensInUse(), "tokensInUse when idle");
        assertEquals(0, scheduler.unstarted(), "unstarted when idle");
    }
}
