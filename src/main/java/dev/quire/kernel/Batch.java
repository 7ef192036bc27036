package dev.quire.kernel;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;

/// One step, flat and off-heap: written by the engine, read by any backend, results written back in place. It mirrors
/// `quire_plan` in `quire_kernels.h` field for field.
///
/// T = `tokens`, S = `sequences`, R = `rows`. Tokens of one sequence are adjacent and in position order; sequences are
/// in the order of `queryStart`. A sequence's tokens attend to positions `0 .. own position`, found through its row of
/// `blockTable`.
///
/// Not thread-safe: the engine thread owns it. Buffers are used by absolute index only, so nothing is allocated.
public final class Batch {
    /// Most alternatives whose log-probabilities a row may ask for (OpenAI's bound of `top_logprobs`).
    public static final int TOP_LOGPROBS = 20;

    /// In `logprobs`: the row wants none.
    public static final int NO_LOGPROBS = -1;

    /// In `scoredToken`: the row samples a token; the log-probability is that of the sampled one.
    public static final int SAMPLE = -1;

    /// In `outToken`: no token could be chosen, since no logit of the row was a number.
    public static final int NO_TOKEN = -1;

    public final BatchLimits limits;
    public int tokens;
    public int sequences;
    public int rows;

    public final IntBuffer token; // [T] token id
    public final IntBuffer position; // [T] position in its sequence
    public final LongBuffer slot; // [T] cache slot to write, block * blockSize + offset; -1 writes nothing
    public final IntBuffer queryStart; // [S + 1] first token of each sequence; the last entry is T
    public final IntBuffer contextLength; // [S] tokens of the sequence after this step
    public final IntBuffer blockTable; // [S, limits.tableBlocks] physical blocks in position order

    public final IntBuffer logitRow; // [R] index into the T tokens
    public final FloatBuffer temperature; // [R] 0 = greedy
    public final FloatBuffer topP; // [R] in (0, 1]; 1 = off
    public final FloatBuffer minP; // [R] in [0, 1]; 0 = off
    public final IntBuffer topK; // [R] 0 = off
    public final FloatBuffer presencePenalty; // [R] 0 = off
    public final FloatBuffer frequencyPenalty; // [R] 0 = off
    public final FloatBuffer repetitionPenalty; // [R] 1 = off
    public final LongBuffer seed; // [R]
    public final LongBuffer counter; // [R] position of the token that is drawn: the draw depends on (seed, counter)
    public final IntBuffer historyStart; // [R] into history
    public final IntBuffer promptLength; // [R] leading history tokens that are prompt
    public final IntBuffer historyLength; // [R] 0 where no penalty is on
    public final IntBuffer biasStart; // [R] into biasToken and biasValue
    public final IntBuffer biasLength; // [R]
    public final IntBuffer logprobs; // [R] alternatives wanted, 0 … 20, or NO_LOGPROBS
    public final IntBuffer scoredToken; // [R] token whose log-probability is wanted instead of sampling, or SAMPLE
    public final IntBuffer history; // [limits.history]
    public final IntBuffer biasToken; // [limits.biases] distinct within a row
    public final FloatBuffer biasValue; // [limits.biases]

    public final IntBuffer outToken; // [R] chosen token, or NO_TOKEN; unspecified for scored rows
    public final FloatBuffer outLogprob; // [R] natural log-probability of the chosen or scored token, before penalties
    public final IntBuffer topToken; // [R, TOP_LOGPROBS] most likely first, ties to the lowest id
    public final FloatBuffer topLogprob; // [R, TOP_LOGPROBS]

    public Batch(BatchLimits limits) {
        this.limits = limits;
        int rowLimit = limits.rows();
        token = ints(limits.tokens());
        position = ints(limits.tokens());
        slot = longs(limits.tokens());
        queryStart = ints(limits.sequences() + 1);
        contextLength = ints(limits.sequences());
        blockTable = ints(Math.multiplyExact(limits.sequences(), limits.tableBlocks()));
        logitRow = ints(rowLimit);
        temperature = floats(rowLimit);
        topP = floats(rowLimit);
        minP = floats(rowLimit);
        topK = ints(rowLimit);
        presencePenalty = floats(rowLimit);
        frequencyPenalty = floats(rowLimit);
        repetitionPenalty = floats(rowLimit);
        seed = longs(rowLimit);
        counter = longs(rowLimit);
        historyStart = ints(rowLimit);
        promptLength = ints(rowLimit);
        historyLength = ints(rowLimit);
        biasStart = ints(rowLimit);
        biasLength = ints(rowLimit);
        logprobs = ints(rowLimit);
        scoredToken = ints(rowLimit);
        history = ints(limits.history());
        biasToken = ints(limits.biases());
        biasValue = floats(limits.biases());
        outToken = ints(rowLimit);
        outLogprob = floats(rowLimit);
        topToken = ints(Math.multiplyExact(rowLimit, TOP_LOGPROBS));
        topLogprob = floats(Math.multiplyExact(rowLimit, TOP_LOGPROBS));
    }

    /// Empties the batch; old contents of the buffers stay and are never read.
    public void clear() {
        tokens = 0;
        sequences = 0;
        rows = 0;
        queryStart.put(0, 0);
    }

    /// Sets row `row` to a greedy draw from token index `tokenIndex` without penalties, biases or log-probabilities.
    public void greedyRow(int row, int tokenIndex) {
        logitRow.put(row, tokenIndex);
        temperature.put(row, 0f);
        topP.put(row, 1f);
        minP.put(row, 0f);
        topK.put(row, 0);
        presencePenalty.put(row, 0f);
        frequencyPenalty.put(row, 0f);
        repetitionPenalty.put(row, 1f);
        seed.put(row, 0L);
        counter.put(row, 0L);
        historyStart.put(row, 0);
        promptLength.put(row, 0);
        historyLength.put(row, 0);
        biasStart.put(row, 0);
        biasLength.put(row, 0);
        logprobs.put(row, NO_LOGPROBS);
        scoredToken.put(row, SAMPLE);
    }

    private static IntBuffer ints(int count) {
        return direct(count, Integer.BYTES).asIntBuffer();
    }

    private static LongBuffer longs(int count) {
        return direct(count, Long.BYTES).asLongBuffer();
    }

    private static FloatBuffer floats(int count) {
        return direct(count, Float.BYTES).asFloatBuffer();
    }

    private static ByteBuffer direct(int count, int bytes) {
        // At least one element, so that every buffer has an address.
        return ByteBuffer.allocateDirect(Math.multiplyExact(Math.max(1, count), bytes))
                .order(ByteOrder.nativeOrder());
    }
}
