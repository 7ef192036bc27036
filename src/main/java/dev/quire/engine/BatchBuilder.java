package dev.quire.engine;

import dev.quire.cache.SequenceBlocks;
import dev.quire.kernel.Batch;
import dev.quire.kernel.Kernels;
import dev.quire.sampling.SamplingParameters;
import dev.quire.scheduler.Sequence;
import dev.quire.scheduler.StepPlan;
import dev.quire.scheduler.TokenBuffer;
import java.util.Map;

/// Flattens a step's plan into a {@link Batch}: tokens, positions, slot mapping, block tables, and a logit row for
/// every token that is drawn and every prompt token that is scored.
///
/// Not thread-safe: the engine thread owns it.
final class BatchBuilder {
    /// In `drawRow`: no token is drawn for the sequence in this step.
    static final int NO_ROW = -1;

    private final Batch batch;
    private final int[] drawRow; // [sequences]
    private final int[] firstScoreRow; // [sequences]
    private final int[] scores; // [sequences]
    private int history;
    private int biases;

    BatchBuilder(Batch batch) {
        this.batch = batch;
        drawRow = new int[batch.limits.sequences()];
        firstScoreRow = new int[batch.limits.sequences()];
        scores = new int[batch.limits.sequences()];
    }

    /// The logit row whose token belongs to the plan's sequence `index`, or `NO_ROW`; those of its followers come
    /// next.
    int drawRow(int index) {
        return drawRow[index];
    }

    /// The first of `scores(index)` logit rows that score prompt tokens of the plan's sequence `index`.
    int firstScoreRow(int index) {
        return firstScoreRow[index];
    }

    int scores(int index) {
        return scores[index];
    }

    void build(StepPlan plan) {
        batch.clear();
        history = 0;
        biases = 0;
        for (int i = 0; i < plan.sequences(); i++) {
            Sequence sequence = plan.sequence(i);
            int first = sequence.computed();
            int count = plan.count(i);
            int firstToken = batch.tokens;
            addTokens(sequence, first, count);
            addTable(sequence, first + count);
            addScores(i, sequence, first, count, firstToken);
            drawRow[i] = NO_ROW;
            if (plan.draws(i) && sequence.generates()) {
                drawRow[i] = addDraw(sequence, batch.tokens - 1);
                for (int k = 0; k < sequence.followers(); k++) {
                    addDraw(sequence.follower(k), batch.tokens - 1);
                }
            }
        }
    }

    private void addTokens(Sequence sequence, int first, int count) {
        SequenceBlocks table = sequence.table();
        for (int position = first; position < first + count; position++) {
            int at = batch.tokens++;
            batch.token.put(at, sequence.token(position));
            batch.position.put(at, position);
            batch.slot.put(at, table.slot(position));
        }
    }

    private void addTable(Sequence sequence, int length) {
        int at = batch.sequences++;
        SequenceBlocks table = sequence.table();
        int from = at * batch.limits.tableBlocks();
        int used = Math.ceilDiv(length, Kernels.PAGE_TOKENS);
        for (int i = 0; i < used; i++) {
            batch.blockTable.put(from + i, table.block(i));
        }
        batch.contextLength.put(at, length);
        batch.queryStart.put(at + 1, batch.tokens);
    }

    /// Position p says how likely the prompt's token p + 1 was. Positions that were scored before a preemption are
    /// not scored again.
    private void addScores(int index, Sequence sequence, int first, int count, int firstToken) {
        firstScoreRow[index] = batch.rows;
        TokenBuffer promptScores = sequence.promptScores();
        int end = Math.min(first + count, promptScores.maxTokens());
        for (int position = Math.max(first, promptScores.count()); position < end; position++) {
            int row = batch.rows++;
            batch.greedyRow(row, firstToken + position - first);
            batch.scoredToken.put(row, sequence.token(position + 1));
            batch.logprobs.put(row, promptScores.alternatives());
        }
        scores[index] = batch.rows - firstScoreRow[index];
    }

    private int addDraw(Sequence sequence, int tokenIndex) {
        int row = batch.rows++;
        SamplingParameters sampling = sequence.sampling();
        batch.greedyRow(row, tokenIndex);
        batch.temperature.put(row, sampling.temperature());
        batch.topP.put(row, sampling.topP());
        batch.topK.put(row, sampling.topK());
        batch.minP.put(row, sampling.minP());
        batch.seed.put(row, sampling.seed());
        batch.counter.put(row, sequence.length());
        batch.logprobs.put(row, sequence.alternatives());
        if (sampling.penalised()) {
            addHistory(row, sequence);
        }
        if (!sampling.logitBias().isEmpty()) {
            addBiases(row, sampling.logitBias());
        }
        return row;
    }

    private void addHistory(int row, Sequence sequence) {
        SamplingParameters sampling = sequence.sampling();
        batch.presencePenalty.put(row, sampling.presencePenalty());
        batch.frequencyPenalty.put(row, sampling.frequencyPenalty());
        batch.repetitionPenalty.put(row, sampling.repetitionPenalty());
        batch.historyStart.put(row, history);
        batch.promptLength.put(row, sequence.promptLength());
        batch.historyLength.put(row, sequence.length());
        for (int position = 0; position < sequence.length(); position++) {
            batch.history.put(history++, sequence.token(position));
        }
    }

    private void addBiases(int row, Map<Integer, Float> logitBias) {
        batch.biasStart.put(row, biases);
        batch.biasLength.put(row, logitBias.size());
        for (Map.Entry<Integer, Float> bias : logitBias.entrySet()) {
            batch.biasToken.put(biases, bias.getKey());
            batch.biasValue.put(biases++, bias.getValue());
        }
    }
}
