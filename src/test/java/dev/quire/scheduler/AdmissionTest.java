package dev.quire.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.cache.BlockPool;
import dev.quire.cache.CacheLayout;
import dev.quire.cache.ContiguousLayout;
import dev.quire.cache.PagedLayout;
import dev.quire.cache.PrefixIndex;
import dev.quire.cache.RunAllocator;
import dev.quire.cache.UncachedLayout;
import dev.quire.sampling.SamplingParameters;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/// Who may start beside others, by each policy, and that nobody gives way who was promised not to.
class AdmissionTest {
    private static final int SEQUENCES = 8;

    private final List<Sequence> sequences = new ArrayList<>();

    private static BlockPool pool(int blocks) {
        return new BlockPool(blocks, 16);
    }

    private static Scheduler scheduler(CacheLayout layout, AdmissionPolicy policy, int watermark) {
        return new Scheduler(
                layout,
                new SchedulerLimits(512, SEQUENCES, SEQUENCES, watermark, policy),
                new PreemptionCost(PreemptionCost.Mode.AUTO));
    }

    private void send(
            Scheduler scheduler, CacheLayout layout, int token, int promptTokens, int maxTokens, int choices) {
        int[] prompt = new int[promptTokens];
        Arrays.fill(prompt, token);
        var spec = new Sequence.Spec(
                sequences.size(),
                0,
                prompt,
                maxTokens,
                SamplingParameters.greedy(),
                new BitSet(),
                TokenBuffer.NO_LOGPROBS,
                false,
                "");
        List<Sequence> group = Sequence.group(spec, choices, layout);
        sequences.addAll(group);
        scheduler.add(group.getFirst());
    }

    private static void step(Scheduler scheduler) {
        StepPlan plan = scheduler.plan();
        for (int i = 0; i < plan.sequences(); i++) {
            boolean draws = plan.draws(i);
            Sequence sequence = plan.sequence(i);
            scheduler.computed(i);
            while (draws && sequence.followers() > 0) {
                scheduler.commit(scheduler.fork(sequence), 1);
            }
            if (draws) {
                scheduler.commit(sequence, 1);
            }
            scheduler.checkInvariants();
        }
    }

    /// Runs to the end; returns the most that ran at once.
    private int most(Scheduler scheduler) {
        int most = 0;
        for (int steps = 0; !scheduler.idle(); steps++) {
            assertTrue(steps < 10_000, "requests must come to an end");
            step(scheduler);
            most = Math.max(most, scheduler.running());
        }
        for (Sequence sequence : sequences) {
            assertEquals(TokenBuffer.Ending.LENGTH, sequence.output().ending());
        }
        return most;
    }

    @Test
    void optimistic_startsWhoFitsNow_andHasTheLastGiveWay() {
        var layout = new PagedLayout(pool(10));
        Scheduler scheduler = scheduler(layout, AdmissionPolicy.OPTIMISTIC, 0);
        for (int i = 0; i < 6; i++) {
            send(scheduler, layout, i, 16, 49, 1);
        }
        assertEquals(6, most(scheduler));
        assertTrue(scheduler.preemptions() > 0);
    }

    @Test
    void worstCase_startsWhoFitsAtItsLongest_andNobodyGivesWay() {
        var layout = new PagedLayout(pool(10));
        Scheduler scheduler = scheduler(layout, AdmissionPolicy.WORST_CASE, 0);
        for (int i = 0; i < 6; i++) {
            send(scheduler, layout, i, 16, 49, 1); // 64 tokens, 4 blocks
        }
        step(scheduler);
        assertEquals(2, scheduler.running());
        assertEquals(1, scheduler.deferred());
        assertEquals(2, most(scheduler));
        assertEquals(0, scheduler.preemptions());
    }

    @Test
    void worstCase_countsWhatIsSharedOnce() {
        var layout = new PagedLayout(new BlockPool(10, 16, new PrefixIndex(10, 16)));
        Scheduler scheduler = scheduler(layout, AdmissionPolicy.WORST_CASE, 0);
        for (int i = 0; i < 6; i++) {
            send(scheduler, layout, 7, 48, 17, 1); // 64 tokens: 3 blocks that all share, and 1 more
        }
        assertEquals(6, most(scheduler));
        assertEquals(0, scheduler.preemptions());
        assertEquals(9, layout.pool().peak());
    }

    /// Prompt 20, stored 32 tokens: 2 blocks for the leader, the second of which each follower needs a copy of.
    @ParameterizedTest
    @CsvSource({"7, 3", "8, 6"})
    void worstCase_countsWhatFollowersWillWrite(int blocks, int together) {
        var layout = new PagedLayout(pool(blocks));
        Scheduler scheduler = scheduler(layout, AdmissionPolicy.WORST_CASE, 0);
        send(scheduler, layout, 1, 20, 13, 3);
        send(scheduler, layout, 2, 20, 13, 3);
        assertEquals(together, most(scheduler));
        assertEquals(0, scheduler.preemptions());
        assertEquals(together == 6 ? 8 : 4, layout.pool().peak());
    }

    /// The watermark is for those who grow; what they need is promised already.
    @Test
    void worstCase_needsNoWatermark() {
        var layout = new PagedLayout(pool(8));
        Scheduler scheduler = scheduler(layout, AdmissionPolicy.WORST_CASE, 5);
        send(scheduler, layout, 1, 16, 49, 1);
        send(scheduler, layout, 2, 16, 49, 1);
        assertEquals(2, most(scheduler));
    }

    static Stream<CacheLayout> otherLayouts() {
        return Stream.of(
                new UncachedLayout(pool(10)),
                new ContiguousLayout(
                        pool(10), RunAllocator.Policy.FIRST_FIT, ContiguousLayout.Reserve.REQUEST, 100, 0));
    }

    @ParameterizedTest
    @MethodSource("otherLayouts")
    void worstCase_holdsInOtherLayouts(CacheLayout layout) {
        Scheduler scheduler = scheduler(layout, AdmissionPolicy.WORST_CASE, 0);
        for (int i = 0; i < 6; i++) {
            send(scheduler, layout, i, 16, 49, 1);
        }
        assertEquals(2, most(scheduler));
        assertEquals(0, scheduler.preemptions());
    }

    /// A group that the pool cannot hold at its longest starts all the same, alone.
    @Test
    void worstCase_groupLargerThanThePool_startsAlone() {
        var layout = new PagedLayout(pool(5));
        Scheduler scheduler = scheduler(layout, AdmissionPolicy.WORST_CASE, 0);
        send(scheduler, layout, 1, 20, 45, 3); // 4 blocks each
        send(scheduler, layout, 2, 4, 4, 1);
        step(scheduler);
        assertEquals(3, scheduler.running());
        assertEquals(3, most(scheduler));
        assertTrue(scheduler.preemptions() > 0);
    }
}
