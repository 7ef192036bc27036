package dev.quire.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.quire.cache.BlockPool;
import dev.quire.cache.PagedLayout;
import dev.quire.kernel.Batch;
import dev.quire.kernel.BatchLimits;
import dev.quire.sampling.SamplingParameters;
import dev.quire.scheduler.PreemptionCost;
import dev.quire.scheduler.Scheduler;
import dev.quire.scheduler.SchedulerLimits;
import dev.quire.scheduler.Sequence;
import dev.quire.scheduler.StepPlan;
import dev.quire.scheduler.TokenBuffer;
import java.util.BitSet;
import java.util.Map;
import org.junit.jupiter.api.Test;

/// Plans as flat batches: what each token and each row says.
class BatchBuilderTest {
    private static final SamplingParameters EVERYTHING =
            new SamplingParameters(0.8f, 0.9f, 50, 0.01f, 0.5f, 0.25f, 1.1f, Map.of(7, 3f), 42);

    private final BlockPool pool = new BlockPool(20, 16);
    private final Scheduler scheduler = new Scheduler(
            new PagedLayout(pool), new SchedulerLimits(64, 4, 8, 0), new PreemptionCost(PreemptionCost.Mode.AUTO));
    private final Batch batch = new Batch(new BatchLimits(64, 4, 8, 10, 200, 20));
    private final BatchBuilder builder = new BatchBuilder(batch);
    private long arrivals;

    private Sequence add(SamplingParameters sampling, int maxTokens, boolean scorePrompt, int... prompt) {
        var sequence = new Sequence(
                new Sequence.Spec(
                        arrivals++,
                        0,
                        prompt,
                        maxTokens,
                        sampling,
                        new BitSet(),
                        scorePrompt ? 3 : TokenBuffer.NO_LOGPROBS,
                        scorePrompt,
                        ""),
                new PagedLayout(pool));
        scheduler.add(sequence);
        return sequence;
    }

    private StepPlan build() {
        StepPlan plan = scheduler.plan();
        builder.build(plan);
        return plan;
    }

    /// Builds a step and draws `token` for each sequence.
    private void step(int token) {
        StepPlan plan = build();
        for (int i = 0; i < plan.sequences(); i++) {
            boolean draws = plan.draws(i);
            scheduler.computed(i);
            if (draws) {
                scheduler.commit(plan.sequence(i), token);
            }
        }
    }

    @Test
    void drawRow_saysEverythingThatTheSequenceAsksFor() {
        add(EVERYTHING, 5, false, 1, 2, 3);
        build();
        int row = builder.drawRow(0);
        assertEquals(0, row);
        assertEquals(2, batch.logitRow.get(row));
        assertEquals(0.8f, batch.temperature.get(row));
        assertEquals(0.9f, batch.topP.get(row));
        assertEquals(50, batch.topK.get(row));
        assertEquals(0.01f, batch.minP.get(row));
        assertEquals(0.5f, batch.presencePenalty.get(row));
        assertEquals(0.25f, batch.frequencyPenalty.get(row));
        assertEquals(1.1f, batch.repetitionPenalty.get(row));
        assertEquals(42, batch.seed.get(row));
        assertEquals(3, batch.counter.get(row));
        assertEquals(TokenBuffer.NO_LOGPROBS, batch.logprobs.get(row));
        assertEquals(Batch.SAMPLE, batch.scoredToken.get(row));
    }

    @Test
    void rows_haveHistoriesAndBiasesOfTheirOwn() {
        add(EVERYTHING, 5, false, 1, 2, 3);
        add(SamplingParameters.greedy(), 5, false, 4);
        add(EVERYTHING, 5, false, 5, 6);
        step(9);
        build();
        int[][] histories = {{1, 2, 3, 9}, {}, {5, 6, 9}};
        int[] prompts = {3, 0, 2};
        for (int i = 0; i < 3; i++) {
            int row = builder.drawRow(i);
            assertEquals(histories[i].length, batch.historyLength.get(row));
            assertEquals(prompts[i], batch.promptLength.get(row));
            for (int k = 0; k < histories[i].length; k++) {
                assertEquals(histories[i][k], batch.history.get(batch.historyStart.get(row) + k));
            }
            assertEquals(i == 1 ? 0 : 1, batch.biasLength.get(row));
        }
        assertEquals(4, batch.historyStart.get(builder.drawRow(2)));
        assertEquals(1, batch.biasStart.get(builder.drawRow(2)));
        assertEquals(7, batch.biasToken.get(1));
        assertEquals(3f, batch.biasValue.get(1));
    }

    /// The random draw depends on seed and position, not on the step or the batch.
    @Test
    void counter_isThePositionOfTheDrawnToken() {
        add(SamplingParameters.greedy(), 5, false, 1, 2, 3);
        step(9);
        add(SamplingParameters.greedy(), 5, false, 4);
        build();
        assertEquals(4, batch.counter.get(builder.drawRow(0)));
        assertEquals(1, batch.counter.get(builder.drawRow(1)));
    }

    @Test
    void scoredPrompt_hasARowForEachTokenButTheFirst_onceOnly() {
        var sequence = add(SamplingParameters.greedy(), 1, true, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
        sequence.promptScores().append(2);
        sequence.promptScores().append(3);
        build();
        assertEquals(8, batch.tokens);
        assertEquals(BatchBuilder.NO_ROW, builder.drawRow(0));
        assertEquals(0, builder.firstScoreRow(0));
        assertEquals(6, builder.scores(0)); // of eight computed, two had been scored before a preemption
        for (int row = 0; row < 6; row++) {
            assertEquals(row + 2, batch.logitRow.get(row));
            assertEquals(row + 4, batch.scoredToken.get(row));
            assertEquals(3, batch.logprobs.get(row));
        }
    }

    @Test
    void tokens_haveTheirPositionsSlotsAndBlocks() {
        pool.allocate(3, new int[3], 0);
        add(SamplingParameters.greedy(), 5, false, new int[17]);
        add(SamplingParameters.greedy(), 5, false, 8, 9);
        build();
        assertEquals(19, batch.tokens);
        assertEquals(16, batch.position.get(16));
        assertEquals(4 * 16, batch.slot.get(16));
        assertEquals(9, batch.token.get(18));
        assertEquals(1, batch.position.get(18));
        assertEquals(5 * 16 + 1, batch.slot.get(18));
        assertEquals(17, batch.queryStart.get(1));
        assertEquals(19, batch.queryStart.get(2));
        assertEquals(17, batch.contextLength.get(0));
        assertEquals(2, batch.contextLength.get(1));
        assertEquals(4, batch.blockTable.get(1));
        assertEquals(5, batch.blockTable.get(10));
    }
}
