package dev.quire.engine;

import dev.quire.cache.CacheLayout;
import dev.quire.cache.Compaction;
import dev.quire.cache.CompactionLimits;
import dev.quire.scheduler.Scheduler;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/// Compactions that somebody asked for: one round before each step, until it is done. Who asks while one is under
/// way is told how that one ended.
///
/// At most {@link Commands#CAPACITY} are told; their code never runs on the engine thread. Not thread-safe: the
/// engine thread owns it.
final class Compactor {
    private final CacheLayout layout;
    private final Scheduler scheduler;
    private final List<CompletableFuture<Inspection<CacheCompaction>>> asked = new ArrayList<>();
    private CompactionLimits limits;
    private Compaction compaction; // null: none is under way

    Compactor(CacheLayout layout, Scheduler scheduler) {
        this.layout = layout;
        this.scheduler = scheduler;
    }

    /// Begins a compaction within `wanted`, unless one is under way.
    CompletionStage<Inspection<CacheCompaction>> ask(CompactionLimits wanted) {
        if (asked.size() >= Commands.CAPACITY) {
            return CompletableFuture.completedStage(new Inspection.Busy<>("compactions", Commands.CAPACITY, 1));
        }
        if (compaction == null) {
            limits = wanted;
            compaction = new Compaction(layout, wanted);
        }
        var answer = new CompletableFuture<Inspection<CacheCompaction>>();
        asked.add(answer);
        return answer;
    }

    /// Between two steps: one round, if a compaction is under way.
    void round() {
        if (compaction == null) {
            return;
        }
        scheduler.compact(compaction);
        if (compaction.done()) {
            tell(new Inspection.Answered<>(new CacheCompaction(
                    limits.threshold(),
                    compaction.before(),
                    compaction.after(),
                    compaction.movedBlocks(),
                    compaction.evictedBlocks())));
        }
    }

    /// The engine ends: whoever waits is told why.
    void close(String reason) {
        tell(Commands.unavailable(reason));
    }

    private void tell(Inspection<CacheCompaction> outcome) {
        compaction = null;
        for (var answer : asked) {
            Thread.startVirtualThread(() -> answer.complete(outcome));
        }
        asked.clear();
    }
}
