package dev.quire.simulation;

import static org.junit.jupiter.api.Assertions.fail;

import dev.quire.cache.BlockPool;
import dev.quire.scheduler.Scheduler;
import java.util.List;

/// Checks which cached blocks a plan takes: none while a free one is left; those first that nobody has held for
/// longest; and none before the cached block that comes after it in its prefix.
final class EvictionOrder {
    private final BlockPool pool;
    private final Scheduler scheduler;
    private final FakeEngine engine;
    private final FakeMemory memory;
    private final long[] heldUntil; // [blocks] half steps
    private final int[] before; // [blocks] the block in front of it in all tables that held it last, or -1
    private final long[] beforeContent; // [blocks] what was in its last slot
    private final boolean[] cached; // [blocks] when the plan was made
    private long evictions;
    private long preemptions;
    private long halfStep;

    EvictionOrder(BlockPool pool, Scheduler scheduler, FakeEngine engine) {
        this.pool = pool;
        this.scheduler = scheduler;
        this.engine = engine;
        memory = engine.memory();
        heldUntil = new long[pool.blocks()];
        before = new int[pool.blocks()];
        beforeContent = new long[pool.blocks()];
        cached = new boolean[pool.blocks()];
    }

    void beforePlan() {
        for (int block = 0; block < cached.length; block++) {
            cached[block] = isCached(block);
        }
        evictions = pool.evictions();
        preemptions = scheduler.preemptions();
    }

    /// `fresh` are the blocks that the plan took.
    void afterPlan(List<Integer> fresh) {
        if (pool.evictions() > evictions) {
            if (pool.free() > 0 && scheduler.preemptions() == preemptions) {
                fail("free blocks must be taken before cached ones: free=" + pool.free());
            }
            fresh.stream().filter(block -> cached[block]).forEach(this::checkEvicted);
        }
    }

    private void checkEvicted(int evicted) {
        for (int block = 0; block < cached.length; block++) {
            if (!cached[block] || !isCached(block)) {
                continue;
            }
            if (heldUntil[block] < heldUntil[evicted]) {
                fail("least recently used block must go first: evicted=" + evicted + ", heldUntil=" + heldUntil[evicted]
                        + ", block=" + block + ", heldUntil=" + heldUntil[block]);
            }
            if (before[block] == evicted && beforeContent[block] == lastContent(evicted)) {
                fail("tail must go before the prefix that it extends: evicted=" + evicted + ", block=" + block);
            }
        }
    }

    private boolean isCached(int block) {
        return pool.refCount(block) == 0 && pool.index().contains(block);
    }

    /// Notes who is held, after a plan and after its step.
    void note() {
        halfStep++;
        for (SimulatedSequence sequence : engine.running()) {
            for (int k = 0; k < sequence.sequence.table().blocks(); k++) {
                int block = sequence.sequence.table().block(k);
                if (block < 0) {
                    continue;
                }
                int previous = k == 0 ? -1 : sequence.sequence.table().block(k - 1);
                // Holders may have equal blocks of their own before it: then it may go after either.
                before[block] = heldUntil[block] == halfStep && before[block] != previous ? -1 : previous;
                heldUntil[block] = halfStep;
                int end = k * pool.blockSize();
                beforeContent[block] = k == 0 || end > sequence.twin.content.length
                        ? FakeMemory.NOTHING
                        : sequence.twin.content[end - 1];
            }
        }
    }

    private long lastContent(int block) {
        return memory.read((block + 1) * pool.blockSize() - 1);
    }
}
