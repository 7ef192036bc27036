package dev.quire.kernel;

import dev.quire.sampling.ReferenceSampler;
import dev.quire.sampling.SamplingParameters;
import dev.quire.tensor.Dequantizer;
import dev.quire.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// The definition of every operation, in plain Java: float32 weights (dequantised once), float32 activations, float32
/// cache, naive loops. Native backends are tested against it; it also serves, slowly, with `quire.backend=reference`.
///
/// Every sum runs in ascending order of its index, so a row's bits depend on nothing but its own inputs.
public final class ReferenceKernels implements Kernels {
    /// Output columns of a matrix product that are worked on together, so that they stay in the cache: the order of
    /// each sum is not changed by it.
    private static final int ROW_TILE = 512;

    private final ModelShape shape;
    private final BatchLimits limits;
    private final List<Weight> weights = new ArrayList<>();
    private final float[] rotation; // [contextLength, ropeDim / 2, (cos, sin)]

    private final float[] x; // [T, embedding] residual stream
    private final float[] normed; // [T, embedding]
    private final float[] query; // [T, heads, headDim]
    private final float[] key; // [T, kvHeads, headDim]
    private final float[] value; // [T, kvHeads, headDim]
    private final float[] attended; // [T, heads, headDim]
    private final float[] projected; // [T, embedding]
    private final float[] gate; // [T, feedForward]
    private final float[] up; // [T, feedForward]
    private final float[] logits; // [R, vocabulary]
    private final float[] scores; // [contextLength]

    private LayerWeights[] layers;
    private Weight embedding;
    private Weight outputNorm;
    private Weight outputHead;
    private float[][] keyCache; // per layer: [blocks * PAGE_TOKENS, kvHeads, headDim]
    private float[][] valueCache;
    private Batch batch;

    /// A dequantised weight, transposed to `[columns, rows]`.
    private record Weight(int rows, int columns, float[] data) {}

    public ReferenceKernels(ModelShape shape, BatchLimits limits) {
        this.shape = shape;
        this.limits = limits;
        rotation = rotation(shape);
        int tokens = limits.tokens();
        x = new float[tokens * shape.embedding()];
        normed = new float[tokens * shape.embedding()];
        query = new float[tokens * shape.queryWidth()];
        key = new float[tokens * shape.kvWidth()];
        value = new float[tokens * shape.kvWidth()];
        attended = new float[tokens * shape.queryWidth()];
        projected = new float[tokens * shape.embedding()];
        gate = new float[tokens * shape.feedForward()];
        up = new float[tokens * shape.feedForward()];
        logits = new float[limits.rows() * shape.vocabulary()];
        scores = new float[shape.contextLength()];
    }

    @Override
    public String description() {
        return "reference";
    }

    @Override
    public int weight(Tensor tensor) {
        int rows = Math.toIntExact(tensor.rows());
        int columns = Math.toIntExact(tensor.columns());
        float[] row = new float[columns];
        float[] data = new float[Math.multiplyExact(rows, columns)];
        for (int r = 0; r < rows; r++) {
            Dequantizer.readRow(tensor, r, row);
            for (int c = 0; c < columns; c++) {
                data[c * rows + r] = row[c];
            }
        }
        weights.add(new Weight(rows, columns, data));
        return weights.size() - 1;
    }

    @Override
    public void bind(LayerWeights[] layers, ModelWeights model) {
        this.layers = layers.clone();
        this.embedding = weights.get(model.embedding());
        this.outputNorm = weights.get(model.outputNorm());
        this.outputHead = weights.get(model.outputHead());
    }

    @Override
    public Packing packing() {
        long elements = weights.stream().mapToLong(weight -> weight.data.length).sum();
        return new Packing(Packing.Kind.MEMORY, null, elements * Float.BYTES, "");
    }

    @Override
    public void awaitPacked() {
        // Nothing is written.
    }

    @Override
    public long blockBytes() {
        return 2L * shape.layers() * PAGE_TOKENS * shape.kvWidth() * Float.BYTES;
    }

    @Override
    public void openCache(int blocks) {
        int elements = Math.multiplyExact(Math.multiplyExact(blocks, PAGE_TOKENS), shape.kvWidth());
        keyCache = new float[shape.layers()][elements];
        valueCache = new float[shape.layers()][elements];
    }

    @Override
    public void copyBlocks(int[] source, int[] destination, int count) {
        int elements = PAGE_TOKENS * shape.kvWidth();
        for (int i = 0; i < count; i++) {
            for (int layer = 0; layer < shape.layers(); layer++) {
                int from = source[i] * elements;
                int to = destination[i] * elements;
                System.arraycopy(keyCache[layer], from, keyCache[layer], to, elements);
                System.arraycopy(valueCache[layer], from, valueCache[layer], to, elements);
            }
        }
    }

    @Override
    public void beginStep(Batch batch) {
        if (this.batch != null) {
            throw new IllegalStateException("the last step must have ended: tokens=" + this.batch.tokens);
        }
        BatchContract.check(batch, limits, shape, keyCache[0].length / shape.kvWidth() / PAGE_TOKENS);
        this.batch = batch;
    }

    @Override
    public void embed() {
        for (int t = 0; t < batch.tokens; t++) {
            int token = batch.token.get(t);
            for (int i = 0; i < shape.embedding(); i++) {
                x[t * shape.embedding() + i] = embedding.data[i * embedding.rows + token];
            }
        }
    }

    @Override
    public void attentionInput(int layer) {
        LayerWeights weight = layers[layer];
        norm(weights.get(weight.attentionNorm()));
        multiply(weights.get(weight.query()), normed, batch.tokens, query);
        multiply(weights.get(weight.key()), normed, batch.tokens, key);
        multiply(weights.get(weight.value()), normed, batch.tokens, value);
        for (int t = 0; t < batch.tokens; t++) {
            int position = batch.position.get(t);
            rotate(query, t * shape.queryWidth(), shape.heads(), position);
            rotate(key, t * shape.kvWidth(), shape.kvHeads(), position);
            long slot = batch.slot.get(t);
            if (slot >= 0) {
                int at = Math.toIntExact(slot * shape.kvWidth());
                System.arraycopy(key, t * shape.kvWidth(), keyCache[layer], at, shape.kvWidth());
                System.arraycopy(value, t * shape.kvWidth(), valueCache[layer], at, shape.kvWidth());
            }
        }
    }

    @Override
    public void pagedAttention(int layer) {
        for (int s = 0; s < batch.sequences; s++) {
            for (int t = batch.queryStart.get(s); t < batch.queryStart.get(s + 1); t++) {
                for (int head = 0; head < shape.heads(); head++) {
                    attend(layer, s, t, head);
                }
            }
        }
    }

    /// attended = softmax(q · K / sqrt(headDim)) · V for one token and head.
    private void attend(int layer, int sequence, int token, int head) {
        int headDim = shape.headDim();
        int kvHead = head / (shape.heads() / shape.kvHeads());
        int at = token * shape.queryWidth() + head * headDim;
        int length = batch.position.get(token) + 1;
        float scale = (float) (1 / Math.sqrt(headDim));
        float largest = Float.NEGATIVE_INFINITY;
        for (int position = 0; position < length; position++) {
            int cached = cacheIndex(sequence, position, kvHead);
            float sum = 0;
            for (int i = 0; i < headDim; i++) {
                sum += query[at + i] * keyCache[layer][cached + i];
            }
            scores[position] = sum * scale;
            largest = Math.max(largest, scores[position]);
        }
        float total = 0;
        for (int position = 0; position < length; position++) {
            scores[position] = (float) Math.exp(scores[position] - largest);
            total += scores[position];
        }
        Arrays.fill(attended, at, at + headDim, 0);
        for (int position = 0; position < length; position++) {
            float weight = scores[position] / total;
            int cached = cacheIndex(sequence, position, kvHead);
            for (int i = 0; i < headDim; i++) {
                attended[at + i] += weight * valueCache[layer][cached + i];
            }
        }
    }

    /// Where the key (or value) of a sequence's position begins, found through its block table.
    private int cacheIndex(int sequence, int position, int kvHead) {
        int block = batch.blockTable.get(sequence * limits.tableBlocks() + position / PAGE_TOKENS);
        int slot = block * PAGE_TOKENS + position % PAGE_TOKENS;
        return slot * shape.kvWidth() + kvHead * shape.headDim();
    }

    @Override
    public void attentionOutput(int layer) {
        multiply(weights.get(layers[layer].output()), attended, batch.tokens, projected);
        addToResidual();
    }

    @Override
    public void feedForwardGate(int layer) {
        norm(weights.get(layers[layer].feedForwardNorm()));
        multiply(weights.get(layers[layer].gate()), normed, batch.tokens, gate);
        multiply(weights.get(layers[layer].up()), normed, batch.tokens, up);
        for (int i = 0; i < batch.tokens * shape.feedForward(); i++) {
            gate[i] = gate[i] / (1 + (float) Math.exp(-gate[i])) * up[i];
        }
    }

    @Override
    public void feedForwardDown(int layer) {
        multiply(weights.get(layers[layer].down()), gate, batch.tokens, projected);
        addToResidual();
    }

    private void addToResidual() {
        for (int i = 0; i < batch.tokens * shape.embedding(); i++) {
            x[i] += projected[i];
        }
    }

    @Override
    public void logits() {
        for (int r = 0; r < batch.rows; r++) {
            normRow(outputNorm, x, batch.logitRow.get(r) * shape.embedding(), normed, r * shape.embedding());
        }
        multiply(outputHead, normed, batch.rows, logits);
    }

    @Override
    public void sample() {
        for (int r = 0; r < batch.rows; r++) {
            float[] row = Arrays.copyOfRange(logits, r * shape.vocabulary(), (r + 1) * shape.vocabulary());
            int token = batch.scoredToken.get(r);
            if (token == Batch.SAMPLE) {
                token = sample(row, r);
                batch.outToken.put(r, token);
            }
            boolean scored = batch.scoredToken.get(r) != Batch.SAMPLE;
            if ((scored || batch.logprobs.get(r) != Batch.NO_LOGPROBS) && token != Batch.NO_TOKEN) {
                Logprobs.write(batch, r, row, token);
            }
        }
    }

    private int sample(float[] row, int r) {
        Map<Integer, Float> bias = new HashMap<>();
        for (int i = batch.biasStart.get(r); i < batch.biasStart.get(r) + batch.biasLength.get(r); i++) {
            bias.put(batch.biasToken.get(i), batch.biasValue.get(i));
        }
        int[] history = new int[batch.historyLength.get(r)];
        batch.history.get(batch.historyStart.get(r), history);
        SamplingParameters parameters = new SamplingParameters(
                batch.temperature.get(r),
                batch.topP.get(r),
                batch.topK.get(r),
                batch.minP.get(r),
                batch.presencePenalty.get(r),
                batch.frequencyPenalty.get(r),
                batch.repetitionPenalty.get(r),
                bias,
                batch.seed.get(r));
        return ReferenceSampler.sample(row, parameters, history, batch.promptLength.get(r), batch.counter.get(r));
    }

    @Override
    public void endStep() {
        batch = null;
    }

    @Override
    public void readLogits(int row, float[] destination) {
        System.arraycopy(logits, row * shape.vocabulary(), destination, 0, shape.vocabulary());
    }

    @Override
    public void close() {
        weights.clear();
        keyCache = null;
        valueCache = null;
    }

    /// normed = RMSNorm(x) · weight (Zhang and Sennrich, 2019).
    private void norm(Weight weight) {
        for (int t = 0; t < batch.tokens; t++) {
            normRow(weight, x, t * shape.embedding(), normed, t * shape.embedding());
        }
    }

    private void normRow(Weight weight, float[] in, int from, float[] out, int to) {
        float sum = 0;
        for (int i = 0; i < shape.embedding(); i++) {
            sum += in[from + i] * in[from + i];
        }
        float scale = (float) (1 / Math.sqrt(sum / shape.embedding() + shape.normEpsilon()));
        for (int i = 0; i < shape.embedding(); i++) {
            out[to + i] = in[from + i] * scale * weight.data[i];
        }
    }

    /// out `[tokens, rows]` = in `[tokens, columns]` · weightᵀ. Each sum runs over the columns in order; four columns
    /// are taken at a time, so that a partial sum stays in a register for four additions.
    private static void multiply(Weight weight, float[] in, int tokens, float[] out) {
        int rows = weight.rows;
        Arrays.fill(out, 0, tokens * rows, 0);
        for (int first = 0; first < rows; first += ROW_TILE) {
            int count = Math.min(ROW_TILE, rows - first);
            int column = 0;
            for (; column + 4 <= weight.columns; column += 4) {
                for (int t = 0; t < tokens; t++) {
                    addFour(out, t * rows + first, weight, column, first, in, t * weight.columns + column, count);
                }
            }
            for (; column < weight.columns; column++) {
                for (int t = 0; t < tokens; t++) {
                    float factor = in[t * weight.columns + column];
                    addScaled(out, t * rows + first, weight.data, column * rows + first, factor, count);
                }
            }
        }
    }

    private static void addFour(
            float[] out, int to, Weight weight, int column, int row, float[] in, int from, int count) {
        float[] data = weight.data;
        int at0 = column * weight.rows + row;
        int at1 = at0 + weight.rows;
        int at2 = at1 + weight.rows;
        int at3 = at2 + weight.rows;
        float factor0 = in[from];
        float factor1 = in[from + 1];
        float factor2 = in[from + 2];
        float factor3 = in[from + 3];
        for (int i = 0; i < count; i++) {
            float sum = out[to + i] + factor0 * data[at0 + i];
            sum += factor1 * data[at1 + i];
            sum += factor2 * data[at2 + i];
            out[to + i] = sum + factor3 * data[at3 + i];
        }
    }

    private static void addScaled(float[] out, int to, float[] in, int from, float factor, int count) {
        for (int i = 0; i < count; i++) {
            out[to + i] += factor * in[from + i];
        }
    }

    /// RoPE (Su et al., 2021, section 3.4.2) on pairs (2i, 2i + 1): GGUF stores Llama's query and key weights permuted
    /// for this order, unlike the original checkpoints.
    private void rotate(float[] data, int from, int heads, int position) {
        int half = shape.ropes().getFirst().dim() / 2;
        for (int head = 0; head < heads; head++) {
            int at = from + head * shape.headDim();
            for (int i = 0; i < half; i++) {
                float cosine = rotation[(position * half + i) * 2];
                float sine = rotation[(position * half + i) * 2 + 1];
                float first = data[at + 2 * i];
                float second = data[at + 2 * i + 1];
                data[at + 2 * i] = first * cosine - second * sine;
                data[at + 2 * i + 1] = first * sine + second * cosine;
            }
        }
    }

    private static float[] rotation(ModelShape shape) {
        int half = shape.ropes().getFirst().dim() / 2;
        float[] rotation = new float[shape.contextLength() * half * 2];
        for (int position = 0; position < shape.contextLength(); position++) {
            for (int i = 0; i < half; i++) {
                double angle = position * (double) shape.ropes().getFirst().inverseFrequencies()[i];
                rotation[(position * half + i) * 2] = (float) Math.cos(angle);
                rotation[(position * half + i) * 2 + 1] = (float) Math.sin(angle);
            }
        }
        return rotation;
    }
}
