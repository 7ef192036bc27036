package dev.quire.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.quire.cache.BlockPool;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// A prefix cache that never forgets: as long as the real one has had no reason to forget either, each admitted
/// sequence must share exactly what this one knows.
final class NaivePrefixes {
    private static final Comparator<FakeEngine.Run> ADMISSION = Comparator.<FakeEngine.Run, Boolean>comparing(
                    run -> run.sequence().admitted())
            .thenComparingInt(run -> run.sequence().request.priority())
            .thenComparingLong(run -> run.sequence().sequence.arrival());

    private final BlockPool pool;
    private final Set<Long> computed = new HashSet<>(); // contents of the last slots of full blocks
    private final Set<Long> promised = new HashSet<>();
    private boolean forgotten;

    NaivePrefixes(BlockPool pool) {
        this.pool = pool;
    }

    /// The real cache has lost something other than by eviction.
    void forget() {
        forgotten = true;
    }

    /// A plan was made: running sequences first, then those admitted, in order.
    void plan(List<FakeEngine.Run> runs) {
        if (!followed()) {
            return;
        }
        List<FakeEngine.Run> order = new ArrayList<>(runs);
        order.sort(ADMISSION);
        promised.clear();
        for (FakeEngine.Run run : order) {
            SimulatedSequence sequence = run.sequence();
            if (sequence.admitted()) {
                assertEquals(
                        known(sequence), sequence.sequence.table().sharedTokens(), () -> "tokens shared: " + sequence);
            }
            if (run.first() < sequence.sequence.length() - 1) {
                add(run, promised); // what decoding fills is not promised
            }
        }
    }

    /// What was planned is computed.
    void computed(List<FakeEngine.Run> runs) {
        if (followed()) {
            runs.forEach(run -> add(run, computed));
        }
    }

    private boolean followed() {
        return pool.index().on() && !forgotten && pool.evictions() == 0;
    }

    private int known(SimulatedSequence sequence) {
        int most = sequence.shareable();
        int blockSize = pool.blockSize();
        int known = 0;
        while (known + blockSize <= most && isKnown(sequence.twin.content[known + blockSize - 1])) {
            known += blockSize;
        }
        return known;
    }

    private boolean isKnown(long content) {
        return computed.contains(content) || promised.contains(content);
    }

    private void add(FakeEngine.Run run, Set<Long> contents) {
        int blockSize = pool.blockSize();
        int end = run.first() + run.count();
        for (int at = run.first() / blockSize * blockSize + blockSize; at <= end; at += blockSize) {
            contents.add(run.sequence().twin.content[at - 1]);
        }
    }
}
