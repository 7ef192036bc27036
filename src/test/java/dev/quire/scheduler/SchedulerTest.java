package dev.quire.scheduler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.cache.BlockPool;
import dev.quire.cache.PagedLayout;
import dev.quire.sampling.SamplingParameters;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SchedulerTest {
    private static final int END = 99;

    private long arrivals;

    private Sequence sequence(BlockPool pool, int priority, int promptTokens, int maxTokens) {
        return sequence(pool, priority, promptTokens, maxTokens, false);
    }

    private Sequence sequence(BlockPool pool, int priority, int promptTokens, int maxTokens, boolean scorePrompt) {
        var endTokens = new BitSet();
        endTokens.set(END);
        return new Sequence(
                new Sequence.Spec(
                        arrivals++,
                        priority,
                        new int[promptTokens],
                        maxTokens,
                        SamplingParameters.greedy(),
                        endTokens,
                        TokenBuffer.NO_LOGPROBS,
                        scorePrompt,
                        ""),
                new PagedLayout(pool));
    }

    /// Carries out a plan: every run is computed, and `token` is drawn where a token is due.
    private static void carryOut(Scheduler scheduler, StepPlan plan, int token) {
        for (int i = 0; i < plan.sequences(); i++) {
            Sequence sequence = plan.sequence(i);
            boolean draws = plan.draws(i);
            scheduler.computed(i);
            if (draws) {
                scheduler.commit(sequence, token);
            }
            scheduler.checkInvariants();
        }
    }

    @Test
    void longPrompt_isComputedInChunks_besideADecodingSequence() {
        var pool = new BlockPool(100, 16);
        var scheduler = new Scheduler(
                new PagedLayout(pool), new SchedulerLimits(20, 4, 4, 0), new PreemptionCost(PreemptionCost.Mode.AUTO));
        var decoding = sequence(pool, 0, 5, 10);
        scheduler.add(decoding);
        carryOut(scheduler, scheduler.plan(), 1);
        var prompt = sequence(pool, 0, 50, 10);
        scheduler.add(prompt);

        int[] chunks = {19, 19, 12};
        for (int chunk : chunks) {
            StepPlan plan = scheduler.plan();
            assertEquals(2, plan.sequences());
            assertSame(decoding, plan.sequence(0));
            assertEquals(1, plan.count(0));
            assertSame(prompt, plan.sequence(1));
            assertEquals(chunk, plan.count(1));
            carryOut(scheduler, plan, 1);
        }
        assertEquals(51, prompt.length());
    }

    @Test
    void prefill_leavesEveryRunningSequenceItsToken() {
        var pool = new BlockPool(100, 16);
        var scheduler = new Scheduler(
                new PagedLayout(pool), new SchedulerLimits(8, 8, 8, 0), new PreemptionCost(PreemptionCost.Mode.AUTO));
        var prompt = sequence(pool, 0, 100, 1);
        scheduler.add(prompt);
        carryOut(scheduler, scheduler.plan(), 1);
        var urgent = sequence(pool, -1, 8, 5);
        scheduler.add(urgent);
        StepPlan plan = scheduler.plan();
        assertEquals(8, plan.tokens());
        carryOut(scheduler, plan, 1);
        for (int i = 0; i < 20 && prompt.state() == Sequence.State.RUNNING; i++) {
            carryOut(scheduler, scheduler.plan(), 1);
        }
        assertEquals(Sequence.State.ENDED, prompt.state());
        assertEquals(1, prompt.output().count());
    }

    @Test
    void waiting_areAdmittedByPriorityThenArrival() {
        var pool = new BlockPool(100, 16);
        var scheduler = new Scheduler(
                new PagedLayout(pool), new SchedulerLimits(64, 2, 2, 0), new PreemptionCost(PreemptionCost.Mode.AUTO));
        var later = sequence(pool, 5, 4, 4);
        var first = sequence(pool, 1, 4, 4);
        var second = sequence(pool, 1, 4, 4);
        scheduler.add(later);
        scheduler.add(second);
        scheduler.add(first);
        StepPlan plan = scheduler.plan();
        assertEquals(2, plan.sequences());
        assertSame(first, plan.sequence(0));
        assertSame(second, plan.sequence(1));
    }

    @Test
    void noBlockForARunningSequence_preemptsTheLastInOrder_andAdmitsNobody() {
        var pool = new BlockPool(4, 4);
        var scheduler = new Scheduler(
                new PagedLayout(pool), new SchedulerLimits(64, 4, 4, 0), new PreemptionCost(PreemptionCost.Mode.AUTO));
        var first = sequence(pool, 0, 8, 8);
        var second = sequence(pool, 0, 7, 8);
        scheduler.add(first);
        scheduler.add(second);
        carryOut(scheduler, scheduler.plan(), 1);
        var third = sequence(pool, 0, 1, 1);
        scheduler.add(third);

        StepPlan plan = scheduler.plan();
        assertEquals(1, plan.sequences());
        assertSame(first, plan.sequence(0));
        assertEquals(1, scheduler.preemptions());
        assertEquals(Sequence.State.WAITING, second.state());
        assertEquals(0, second.table().blocks());
        assertEquals(8, second.length());
        carryOut(scheduler, plan, 1);
        // First in order again, but its two blocks are not free: nobody overtakes it.
        plan = scheduler.plan();
        assertEquals(1, plan.sequences());
        assertEquals(1, scheduler.deferred());
    }

    /// Whoever is first in the order would otherwise take the blocks that the preemption was for.
    @Test
    void stepThatPreempts_admitsNobody_evenWithABlockToSpare() {
        var pool = new BlockPool(4, 4);
        var scheduler = new Scheduler(
                new PagedLayout(pool), new SchedulerLimits(64, 4, 4, 0), new PreemptionCost(PreemptionCost.Mode.AUTO));
        scheduler.add(sequence(pool, 0, 8, 8));
        scheduler.add(sequence(pool, 0, 7, 8));
        carryOut(scheduler, scheduler.plan(), 1);
        var urgent = sequence(pool, -1, 1, 1);
        scheduler.add(urgent);

        StepPlan plan = scheduler.plan();
        assertEquals(1, scheduler.preemptions());
        assertEquals(1, pool.free());
        assertEquals(1, plan.sequences());
        carryOut(scheduler, plan, 1);
        plan = scheduler.plan();
        assertSame(urgent, plan.sequence(plan.sequences() - 1));
    }

    @Test
    void preempted_computesAllItsTokensAgain() {
        var pool = new BlockPool(4, 4);
        var scheduler = new Scheduler(
                new PagedLayout(pool), new SchedulerLimits(64, 4, 4, 0), new PreemptionCost(PreemptionCost.Mode.AUTO));
        var first = sequence(pool, 0, 8, 2);
        var second = sequence(pool, 0, 7, 8);
        scheduler.add(first);
        scheduler.add(second);
        carryOut(scheduler, scheduler.plan(), 1);
        carryOut(scheduler, scheduler.plan(), 1);
        assertEquals(Sequence.State.ENDED, first.state());
        StepPlan plan = scheduler.plan();
        assertSame(second, plan.sequence(0));
        assertEquals(8, plan.count(0));
        assertTrue(plan.draws(0));
    }

    @Test
    void watermark_holdsBackNewSequences_unlessNothingRuns() {
        var pool = new BlockPool(4, 16);
        var scheduler = new Scheduler(
                new PagedLayout(pool), new SchedulerLimits(64, 4, 4, 3), new PreemptionCost(PreemptionCost.Mode.AUTO));
        var first = sequence(pool, 0, 20, 4);
        var second = sequence(pool, 0, 4, 4);
        scheduler.add(first);
        scheduler.add(second);
        StepPlan plan = scheduler.plan();
        assertEquals(1, plan.sequences());
        assertSame(first, plan.sequence(0));
        assertEquals(1, scheduler.deferred());
    }

    @Test
    void scoredPrompt_thatTakesEveryRow_leavesNoneToAdmitWith() {
        var pool = new BlockPool(100, 16);
        var scheduler = new Scheduler(
                new PagedLayout(pool), new SchedulerLimits(64, 4, 6, 0), new PreemptionCost(PreemptionCost.Mode.AUTO));
        var scored = sequence(pool, 0, 20, 1, true);
        scheduler.add(scored);
        scheduler.add(sequence(pool, 0, 5, 4));
        StepPlan plan = scheduler.plan();
        assertEquals(1, plan.sequences());
        assertSame(scored, plan.sequence(0));
        assertEquals(6, plan.count(0));
        assertEquals(1, scheduler.waiting());
    }

    @Test
    void scoredPrompt_leavesEveryLaterSequenceItsRow() {
        var pool = new BlockPool(100, 16);
        var scheduler = new Scheduler(
                new PagedLayout(pool), new SchedulerLimits(64, 4, 6, 0), new PreemptionCost(PreemptionCost.Mode.AUTO));
        scheduler.add(sequence(pool, 0, 5, 10));
        carryOut(scheduler, scheduler.plan(), 1);
        var scored = sequence(pool, -1, 30, 1, true);
        scheduler.add(scored);
        for (int step = 0; step < 2; step++) {
            StepPlan plan = scheduler.plan();
            assertEquals(2, plan.sequences());
            assertSame(scored, plan.sequence(1));
            assertEquals(5, plan.count(1));
            carryOut(scheduler, plan, 1);
        }
    }

    @Test
    void endToken_endsTheSequence_andItsBlocksAreFree() {
        var pool = new BlockPool(4, 16);
        var scheduler = new Scheduler(
                new PagedLayout(pool), new SchedulerLimits(64, 4, 4, 0), new PreemptionCost(PreemptionCost.Mode.AUTO));
        var sequence = sequence(pool, 0, 20, 4);
        scheduler.add(sequence);
        carryOut(scheduler, scheduler.plan(), END);
        assertEquals(TokenBuffer.Ending.STOP, sequence.output().ending());
        assertEquals(1, sequence.output().count());
        assertEquals(4, pool.free());
        assertTrue(scheduler.idle());
    }

    @Test
    void maxTokens_endTheSequence() {
        var pool = new BlockPool(4, 16);
        var scheduler = new Scheduler(
                new PagedLayout(pool), new SchedulerLimits(64, 4, 4, 0), new PreemptionCost(PreemptionCost.Mode.AUTO));
        var sequence = sequence(pool, 0, 20, 2);
        scheduler.add(sequence);
        carryOut(scheduler, scheduler.plan(), 1);
        assertNull(sequence.output().ending());
        carryOut(scheduler, scheduler.plan(), 1);
        assertEquals(TokenBuffer.Ending.LENGTH, sequence.output().ending());
        assertEquals(4, pool.free());
    }

    @Test
    void end_givesBlocksBackAtOnce_inAnyState_andTwiceIsFine() {
        var pool = new BlockPool(4, 16);
        var scheduler = new Scheduler(
                new PagedLayout(pool), new SchedulerLimits(64, 1, 1, 0), new PreemptionCost(PreemptionCost.Mode.AUTO));
        var running = sequence(pool, 0, 20, 4);
        var waiting = sequence(pool, 0, 20, 4);
        scheduler.add(running);
        scheduler.add(waiting);
        scheduler.plan();
        assertEquals(1, scheduler.unstarted());
        scheduler.end(waiting, TokenBuffer.Ending.CANCELLED, "");
        scheduler.end(running, TokenBuffer.Ending.CANCELLED, "");
        scheduler.end(running, TokenBuffer.Ending.FAILED, "late");
        assertEquals(TokenBuffer.Ending.CANCELLED, running.output().ending());
        assertEquals(4, pool.free());
        assertEquals(0, scheduler.unstarted());
        scheduler.checkInvariants();
    }

    @Test
    void add_sequenceThatCannotFit_isRefused() {
        var pool = new BlockPool(1, 16);
        var scheduler = new Scheduler(
                new PagedLayout(pool), new SchedulerLimits(64, 1, 1, 0), new PreemptionCost(PreemptionCost.Mode.AUTO));
        var e = assertThrows(IllegalArgumentException.class, () -> scheduler.add(sequence(pool, 0, 17, 1)));
        assertEquals("sequence must fit the pool: neededBlocks=2, blocks=1", e.getMessage());
        assertTrue(scheduler.idle());
    }

    @Test
    void limits_thatWouldStarveARunningSequence_areRefused() {
        assertThrows(IllegalArgumentException.class, () -> new SchedulerLimits(3, 4, 4, 0));
        assertThrows(IllegalArgumentException.class, () -> new SchedulerLimits(4, 4, 3, 0));
    }

    /// Random arrivals, lengths, priorities, end tokens and cancellations in small pools: after every step the
    /// bookkeeping holds, every run continues where the last one stopped, and at the end each sequence has exactly
    /// the tokens it would have alone (the drawn token depends on the sequence and the position only).
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20})
    void randomWorkload_everySequenceGetsItsOwnTokens(long seed) {
        var random = new Random(seed);
        int blockSize = 1 + random.nextInt(6);
        int blocks = 4 + random.nextInt(30);
        int sequences = 1 + random.nextInt(8);
        var pool = new BlockPool(blocks, blockSize);
        var limits = new SchedulerLimits(
                sequences + random.nextInt(20), sequences, sequences + random.nextInt(6), random.nextInt(3));
        var scheduler = new Scheduler(new PagedLayout(pool), limits, new PreemptionCost(PreemptionCost.Mode.AUTO));
        List<Sequence> all = new ArrayList<>();
        List<Sequence> cancelled = new ArrayList<>();
        for (int step = 0; step < 2_000; step++) {
            if (step < 1_500 && random.nextInt(3) == 0) {
                int most = blocks * blockSize;
                int prompt = 1 + random.nextInt(most);
                int maxTokens = 1 + random.nextInt(most - prompt + 1);
                var sequence = sequence(pool, random.nextInt(3), prompt, maxTokens, random.nextInt(4) == 0);
                scheduler.add(sequence);
                all.add(sequence);
            }
            if (random.nextInt(20) == 0 && !all.isEmpty()) {
                var sequence = all.get(random.nextInt(all.size()));
                if (sequence.state() != Sequence.State.ENDED) {
                    scheduler.end(sequence, TokenBuffer.Ending.CANCELLED, "");
                    cancelled.add(sequence);
                }
            }
            step(scheduler, limits);
        }
        while (!scheduler.idle()) {
            step(scheduler, limits);
        }
        assertEquals(blocks, pool.free());
        for (Sequence sequence : all) {
            assertEquals(Sequence.State.ENDED, sequence.state());
            checkTokens(sequence, cancelled.contains(sequence));
        }
    }

    private static void step(Scheduler scheduler, SchedulerLimits limits) {
        StepPlan plan = scheduler.plan();
        scheduler.checkInvariants();
        assertTrue(plan.tokens() <= limits.tokens(), "tokens=" + plan.tokens());
        assertTrue(plan.sequences() > 0 || scheduler.idle(), "a step must compute something");
        boolean prefill = false;
        int rows = 0;
        for (int i = 0; i < plan.sequences(); i++) {
            Sequence sequence = plan.sequence(i);
            boolean draws = plan.draws(i);
            rows += (draws ? 1 : 0) + score(sequence, sequence.computed() + plan.count(i));
            assertTrue(plan.count(i) > 0
                    && sequence.computed() + plan.count(i) <= sequence.table().capacity());
            assertFalse(prefill && plan.count(i) == 1, "decoding sequences come first");
            prefill |= plan.count(i) > 1;
            scheduler.computed(i);
            if (draws) {
                scheduler.commit(sequence, drawn(sequence, sequence.length()));
            }
        }
        assertTrue(rows <= limits.rows(), "rows=" + rows);
        scheduler.checkInvariants();
    }

    /// Scores the prompt positions below `computed` that have no score yet; each takes a logit row.
    private static int score(Sequence sequence, int computed) {
        TokenBuffer scores = sequence.promptScores();
        int before = scores.count();
        while (scores.count() < Math.min(computed, scores.maxTokens())) {
            scores.append(0);
        }
        return scores.count() - before;
    }

    /// A token that depends on nothing but the sequence and the position.
    private static int drawn(Sequence sequence, int position) {
        int token = (int) ((sequence.arrival() * 31 + position) * 2654435761L >>> 20 & 0x7F);
        return token == END && position % 2 == 0 ? 0 : token;
    }

    private static void checkTokens(Sequence sequence, boolean cancelled) {
        TokenBuffer output = sequence.output();
        for (int i = 0; i < output.count(); i++) {
            assertEquals(drawn(sequence, sequence.promptLength() + i), output.token(i));
            assertTrue(output.token(i) != END || i == output.count() - 1);
        }
        if (!cancelled) {
            boolean stopped = output.token(output.count() - 1) == END;
            assertEquals(stopped ? TokenBuffer.Ending.STOP : TokenBuffer.Ending.LENGTH, output.ending());
            assertTrue(stopped || output.count() == output.maxTokens());
        }
    }
}
