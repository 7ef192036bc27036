package dev.quire.kernel.cpu;

import dev.quire.kernel.Batch;
import java.lang.foreign.MemorySegment;
import java.nio.Buffer;
import java.util.IdentityHashMap;
import java.util.Map;

/// Each batch's `quire_plan`: made once, since the batch's arrays never move.
final class BatchPlans implements AutoCloseable {
    /// Batches whose addresses are remembered; the engine has one or two.
    private static final int MAX_PLANS = 8;

    private final Map<Batch, QuireCpu.Plan> plans = new IdentityHashMap<>();

    /// The plan of `batch` with its counts of now.
    QuireCpu.Plan of(Batch batch) {
        QuireCpu.Plan plan = plans.get(batch);
        if (plan == null) {
            if (plans.size() == MAX_PLANS) {
                close();
            }
            plan = new QuireCpu.Plan();
            fill(plan, batch);
            plans.put(batch, plan);
        }
        plan.tokens(batch.tokens);
        plan.seqs(batch.sequences);
        plan.rows(batch.rows);
        return plan;
    }

    @Override
    public void close() {
        plans.values().forEach(QuireCpu.Plan::close);
        plans.clear();
    }

    /// The addresses of the batch's arrays, which never move.
    private static void fill(QuireCpu.Plan plan, Batch batch) {
        plan.token(address(batch.token));
        plan.token_position(address(batch.position));
        plan.slot(address(batch.slot));
        plan.query_start(address(batch.queryStart));
        plan.context_len(address(batch.contextLength));
        plan.block_table(address(batch.blockTable));
        plan.logit_row(address(batch.logitRow));
        plan.temperature(address(batch.temperature));
        plan.top_p(address(batch.topP));
        plan.min_p(address(batch.minP));
        plan.top_k(address(batch.topK));
        plan.presence_penalty(address(batch.presencePenalty));
        plan.frequency_penalty(address(batch.frequencyPenalty));
        plan.repetition_penalty(address(batch.repetitionPenalty));
        plan.seed(address(batch.seed));
        plan.counter(address(batch.counter));
        plan.history_start(address(batch.historyStart));
        plan.prompt_len(address(batch.promptLength));
        plan.history_len(address(batch.historyLength));
        plan.bias_start(address(batch.biasStart));
        plan.bias_len(address(batch.biasLength));
        plan.logprobs(address(batch.logprobs));
        plan.scored_token(address(batch.scoredToken));
        plan.history(address(batch.history));
        plan.bias_token(address(batch.biasToken));
        plan.bias_value(address(batch.biasValue));
        plan.out_token(address(batch.outToken));
        plan.out_logprob(address(batch.outLogprob));
        plan.top_token(address(batch.topToken));
        plan.top_logprob(address(batch.topLogprob));
    }

    private static long address(Buffer buffer) {
        return MemorySegment.ofBuffer(buffer).address();
    }
}
