package dev.quire.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.cache.BlockPool;
import dev.quire.cache.PagedLayout;
import dev.quire.cache.PrefixIndex;
import dev.quire.sampling.SamplingParameters;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The shadow follows a real scheduler: 40 blocks of 4 tokens, a model of 100 tokens, so runs of 25 blocks.
class ContiguousShadowTest {
    private static final int BLOCKS = 40;
    private static final int BLOCK_SIZE = 4;
    private static final int MODEL_LENGTH = 100;

    private final BlockPool pool = new BlockPool(BLOCKS, BLOCK_SIZE, new PrefixIndex(BLOCKS, BLOCK_SIZE));
    private final Scheduler scheduler = new Scheduler(
            new PagedLayout(pool),
            new SchedulerLimits(64, 8, 8, 0),
            new PreemptionCost(PreemptionCost.Mode.AUTO),
            MODEL_LENGTH);
    private final ContiguousShadow shadow = scheduler.contiguous();
    private long arrivals;

    private List<Sequence> add(int priority, int[] prompt, int maxTokens, int choices) {
        var spec = new Sequence.Spec(
                arrivals,
                priority,
                prompt,
                maxTokens,
                SamplingParameters.greedy(),
                new BitSet(),
                TokenBuffer.NO_LOGPROBS,
                false,
                "");
        arrivals += choices;
        List<Sequence> group = Sequence.group(spec, choices, new PagedLayout(pool));
        scheduler.add(group.getFirst());
        return group;
    }

    private void step(Random random) {
        StepPlan plan = scheduler.plan();
        check();
        boolean[] draws = new boolean[plan.sequences()];
        int failing = random.nextInt(10); // the one that leaves in mid-step, if there is such a one
        for (int i = 0; i < plan.sequences(); i++) {
            draws[i] = plan.draws(i);
            if (i == failing) {
                scheduler.end(plan.sequence(i), TokenBuffer.Ending.FAILED, "");
                check();
            }
        }
        for (int i = 0; i < plan.sequences(); i++) {
            scheduler.computed(i);
        }
        check();
        for (int i = 0; i < plan.sequences(); i++) {
            Sequence sequence = plan.sequence(i);
            if (draws[i] && sequence.state() == Sequence.State.RUNNING) {
                while (sequence.followers() > 0) {
                    scheduler.commit(scheduler.fork(sequence), random.nextInt(3));
                    check();
                }
                scheduler.commit(sequence, random.nextInt(3));
            }
        }
        check();
    }

    /// The naive twin: every sequence that runs, and every one that follows it, laid out one after the other.
    private void check() {
        List<Sequence> all = new ArrayList<>();
        long tokens = 0;
        long requestBlocks = 0;
        for (int i = 0; i < scheduler.running(); i++) {
            Sequence sequence = scheduler.runningSequence(i);
            all.add(sequence);
            for (int k = 0; k < sequence.followers(); k++) {
                all.add(sequence.follower(k));
            }
            tokens += (long) sequence.computed() * (1 + sequence.followers());
        }
        int requestFitting = 0;
        int modelFitting = 0;
        for (Sequence sequence : all) {
            requestBlocks += blocks(sequence.maxLength());
            requestFitting += requestBlocks <= BLOCKS ? 1 : 0;
            modelFitting += (long) (modelFitting + 1) * blocks(MODEL_LENGTH) <= BLOCKS ? 1 : 0;
        }
        assertEquals(all.size(), shadow.sequences());
        assertEquals(tokens, shadow.tokens());
        assertEquals(requestBlocks, shadow.requestBlocks());
        assertEquals((long) all.size() * blocks(MODEL_LENGTH), shadow.modelBlocks());
        assertEquals(requestFitting, shadow.requestFitting());
        assertEquals(modelFitting, shadow.modelFitting());
        assertTrue(shadow.tokens() >= pool.tokensInUse() || pool.saved() == 0, "only sharing makes it less");
        scheduler.checkInvariants();
    }

    private static int blocks(int tokens) {
        return (tokens + BLOCK_SIZE - 1) / BLOCK_SIZE;
    }

    @Test
    void idle_reservesNothing() {
        check();
        assertEquals(0, shadow.modelBlocks());
        assertEquals(0, shadow.requestFitting());
    }

    /// Three choices of a prompt of 6 tokens with at most 11 more: 5 blocks each at the most, 2 blocks now.
    @Test
    void group_reservesARunForEachChoice_fromItsStart() {
        add(0, new int[] {1, 2, 3, 4, 5, 6}, 11, 3);
        scheduler.plan();
        assertEquals(2, pool.inUse());
        assertEquals(3, shadow.sequences());
        assertEquals(15, shadow.requestBlocks());
        assertEquals(75, shadow.modelBlocks());
        assertEquals(3, shadow.requestFitting());
        assertEquals(1, shadow.modelFitting());
        scheduler.computed(0);
        assertEquals(18, shadow.tokens());
        assertEquals(6, pool.tokensInUse());
    }

    /// Runs of 20, 20 and 1 blocks in a pool of 40: nobody overtakes the second.
    @Test
    void requestFitting_endsAtTheFirstThatDoesNotFit() {
        add(0, new int[] {1}, 79, 1);
        add(0, new int[] {2}, 80, 1);
        add(0, new int[] {3}, 1, 1);
        scheduler.plan();
        assertEquals(3, shadow.sequences());
        assertEquals(1, shadow.requestFitting());
        assertEquals(42, shadow.requestBlocks());
    }

    @Test
    void modelLongerThanThePool_fitsNobody() {
        var wide = new Scheduler(
                new PagedLayout(pool),
                new SchedulerLimits(64, 8, 8, 0),
                new PreemptionCost(PreemptionCost.Mode.AUTO),
                BLOCKS * BLOCK_SIZE + 1);
        wide.add(new Sequence(
                new Sequence.Spec(
                        0,
                        0,
                        new int[] {1},
                        4,
                        SamplingParameters.greedy(),
                        new BitSet(),
                        TokenBuffer.NO_LOGPROBS,
                        false,
                        ""),
                new PagedLayout(pool)));
        wide.plan();
        assertEquals(41, wide.contiguous().modelBlocks());
        assertEquals(0, wide.contiguous().modelFitting());
        assertEquals(1, wide.contiguous().requestFitting());
    }

    /// Groups and single sequences of few distinct tokens, so that prefixes are shared; preemptions, since the
    /// pool is small; cancellations, and failures in mid-step, so that sequences start again.
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void randomTraffic_agreesWithTheTwin(long seed) {
        var random = new Random(seed);
        List<Sequence> all = new ArrayList<>();
        for (int i = 0; i < 1_500; i++) {
            if (random.nextInt(3) == 0) {
                int[] prompt = random.ints(1 + random.nextInt(40), 0, 2).toArray();
                all.addAll(add(random.nextInt(3), prompt, 1 + random.nextInt(30), 1 + random.nextInt(4)));
            }
            if (random.nextInt(10) == 0) {
                int[] fresh = random.ints(8, 0, 1_000_000).toArray(); // two of them in one step share it
                all.addAll(add(-1, fresh, 1 + random.nextInt(9), 1));
                all.addAll(add(-1, fresh, 1 + random.nextInt(9), 1));
            }
            if (random.nextInt(8) == 0 && !all.isEmpty()) {
                scheduler.end(all.get(random.nextInt(all.size())), TokenBuffer.Ending.CANCELLED, "");
                check();
            }
            step(random);
            all.removeIf(sequence -> sequence.state() == Sequence.State.ENDED);
        }
        assertTrue(scheduler.preemptions() > 0 && pool.copies() > 0 && scheduler.prefixHits() > 0);
        assertTrue(scheduler.restarts() > 0, "restarts=" + scheduler.restarts());
        while (!all.isEmpty()) {
            scheduler.end(all.removeLast(), TokenBuffer.Ending.CANCELLED, "");
            check();
        }
        assertEquals(0, shadow.requestBlocks());
        assertEquals(0, shadow.tokens());
    }
}
