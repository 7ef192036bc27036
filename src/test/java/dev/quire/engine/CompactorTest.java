package dev.quire.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.cache.BlockPool;
import dev.quire.cache.CompactionLimits;
import dev.quire.cache.PagedLayout;
import dev.quire.sampling.SamplingParameters;
import dev.quire.scheduler.PreemptionCost;
import dev.quire.scheduler.Scheduler;
import dev.quire.scheduler.SchedulerLimits;
import dev.quire.scheduler.Sequence;
import dev.quire.scheduler.StepPlan;
import dev.quire.scheduler.TokenBuffer;
import java.util.BitSet;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;

/// Compactions before a scheduler whose steps are made by hand: blocks of 4 tokens.
class CompactorTest {
    private static final CompactionLimits ONE_BY_ONE = new CompactionLimits(0.3, 1);

    private final PagedLayout layout = new PagedLayout(new BlockPool(12, 4));
    private final Scheduler scheduler =
            new Scheduler(layout, new SchedulerLimits(64, 4, 8, 0), new PreemptionCost(PreemptionCost.Mode.RECOMPUTE));
    private final Compactor compactor = new Compactor(layout, scheduler);

    private Sequence add(long arrival, int promptTokens) {
        var spec = new Sequence.Spec(
                arrival,
                0,
                new int[promptTokens],
                20,
                SamplingParameters.greedy(),
                new BitSet(),
                TokenBuffer.NO_LOGPROBS,
                false,
                "");
        Sequence sequence = Sequence.group(spec, 1, layout).getFirst();
        scheduler.add(sequence);
        return sequence;
    }

    private int step() {
        StepPlan plan = scheduler.plan();
        int copies = plan.copies().count();
        for (int i = 0; i < plan.sequences(); i++) {
            scheduler.computed(i);
        }
        for (int i = 0; i < plan.sequences(); i++) {
            scheduler.commit(plan.sequence(i), 7);
        }
        scheduler.checkInvariants();
        return copies;
    }

    private static <T> Inspection<T> told(CompletionStage<Inspection<T>> stage) {
        return stage.toCompletableFuture().join();
    }

    /// Two of three blocks at the front are free, 7 at the end: three blocks move, one before each step.
    @Test
    void compaction_takesARoundBeforeEachStep_andSaysWhatItDid() {
        Sequence gone = add(0, 19);
        Sequence stays = add(1, 11);
        step();
        scheduler.end(gone, TokenBuffer.Ending.CANCELLED, ""); // 0 … 4; 5 … 7 are held
        CompletionStage<Inspection<CacheCompaction>> first = compactor.ask(ONE_BY_ONE);
        var second = compactor.ask(new CompactionLimits(0, 100)); // told of the same
        for (int round = 0; round < 3; round++) {
            compactor.round();
            assertFalse(first.toCompletableFuture().isDone());
            assertEquals(1, step());
        }
        compactor.round();
        var expected = new CacheCompaction(0.3, 1 - 5 / 9.0, 0, 3, 0);
        assertEquals(new Inspection.Answered<>(expected), told(first));
        assertEquals(told(first), told(second));
        assertTrue(expected.needed());
        assertEquals(3, stays.table().block(0)); // it took 1 itself when it grew
        assertEquals(0, step());
        compactor.round(); // nothing is under way
    }

    @Test
    void fragmentationBelowTheThreshold_movesNothing_andSaysSo() {
        Sequence gone = add(0, 19);
        add(1, 11);
        step();
        scheduler.end(gone, TokenBuffer.Ending.CANCELLED, "");
        var asked = compactor.ask(new CompactionLimits(0.5, 32));
        compactor.round();
        var answer = assertInstanceOf(Inspection.Answered.class, told(asked));
        assertEquals(new CacheCompaction(0.5, 1 - 5 / 9.0, 1 - 5 / 9.0, 0, 0), answer.value());
        assertFalse(((CacheCompaction) answer.value()).needed());
        assertEquals(0, step());
    }

    @Test
    void idleEngine_answersAtOnce() {
        var asked = compactor.ask(ONE_BY_ONE);
        compactor.round();
        assertEquals(new Inspection.Answered<>(new CacheCompaction(0.3, 0, 0, 0, 0)), told(asked));
    }

    @Test
    void tooManyAtOnce_areRefused_andTheOthersAnsweredWhenTheEngineEnds() {
        Sequence gone = add(0, 19);
        add(1, 11);
        step();
        scheduler.end(gone, TokenBuffer.Ending.CANCELLED, "");
        var first = compactor.ask(ONE_BY_ONE);
        for (int i = 1; i < Commands.CAPACITY; i++) {
            compactor.ask(ONE_BY_ONE);
        }
        assertEquals(new Inspection.Busy<>("compactions", Commands.CAPACITY, 1), told(compactor.ask(ONE_BY_ONE)));
        compactor.round();
        compactor.close("it was stopped");
        assertEquals(new Inspection.Unavailable<>("it was stopped", 1), told(first));
    }
}
