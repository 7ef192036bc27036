package dev.quire.kernel;

import dev.quire.sampling.ReferenceSampler;
import dev.quire.sampling.SamplingParameters;
import dev.quire.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/// The definition of every operation, in plain Java: float32 weights (dequantised once), float32 activations,
/// float32 cache, naive loops. Native backends are tested against it; it also serves, slowly, with
/// `quire.backend=reference`.
///
/// Every sum runs in ascending order of its index, so a row's bits depend on nothing but its own inputs.
public final class ReferenceKernels implements Kernels {
    private static final float[] NO_ELEMENTS = {};

    private final ModelShape shape;
    private final BatchLimits limits;
    private final CacheType cacheType;
    private final ActivationRounding activationRounding;
    private final UnaryOperator<Tensor> reader;
    private final List<FloatMatrix> weights = new ArrayList<>();
    private final List<Rotation> rotations;

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
    private ModelWeights model;
    private float[][] keyCache; // per layer: [blocks * PAGE_TOKENS, kvHeads, headDim]
    private float[][] valueCache;
    private float[][][] swap; // [slots][keys and values of each layer][one page]
    private Batch batch;

    public ReferenceKernels(ModelShape shape, BatchLimits limits) {
        this(shape, limits, CacheType.F32, ActivationRounding.NONE);
    }

    /// With keys and values rounded as a cache of `cacheType` rounds them (F32 where it is AUTO), and inputs of
    /// products with quantised weights by `activationRounding`: what a backend that does so is measured against.
    public ReferenceKernels(
            ModelShape shape, BatchLimits limits, CacheType cacheType, ActivationRounding activationRounding) {
        this(shape, limits, cacheType, activationRounding, UnaryOperator.identity());
    }

    /// With weights of which `reader` gives rows in memory: those of a mapped file may become shorter.
    public ReferenceKernels(
            ModelShape shape,
            BatchLimits limits,
            CacheType cacheType,
            ActivationRounding activationRounding,
            UnaryOperator<Tensor> reader) {
        this.reader = reader;
        this.shape = shape;
        this.limits = limits;
        this.cacheType = cacheType == CacheType.AUTO ? CacheType.F32 : cacheType;
        this.activationRounding = activationRounding;
        rotations = shape.ropes().stream()
                .map(rope -> new Rotation(rope, limits.tokens()))
                .toList();
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
        weights.add(FloatMatrix.of(tensor, activationRounding, reader));
        return weights.size() - 1;
    }

    @Override
    public void bind(LayerWeights[] layers, ModelWeights model) {
        WeightContract.check(shape, weights, layers, model);
        this.layers = layers.clone();
        this.model = model;
    }

    @Override
    public Packing packing() {
        long elements =
                weights.stream().mapToLong(weight -> weight.data().length).sum();
        return new Packing(Packing.Kind.MEMORY, null, elements * Float.BYTES, "");
    }

    @Override
    public void awaitPacked() {
        // Nothing is written.
    }

    @Override
    public void spendOnWeights(long bytes) {
        // They are in memory.
    }

    @Override
    public CacheType cacheType() {
        return cacheType;
    }

    /// Rounded or not, a number takes four bytes here.
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
        checkUnordered(source, destination, count);
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

    /// A backend may make the copies of a call all at once.
    private static void checkUnordered(int[] source, int[] destination, int count) {
        for (int i = 0; i < count; i++) {
            for (int j = 0; j < count; j++) {
                if (destination[i] == source[j] || (i != j && destination[i] == destination[j])) {
                    throw new IllegalArgumentException("destination must be neither a source nor another destination:"
                            + " destination=" + destination[i] + ", copies=" + count);
                }
            }
        }
    }

    @Override
    public void openSwap(int slots) {
        int elements = PAGE_TOKENS * shape.kvWidth();
        swap = new float[slots][2 * shape.layers()][elements];
    }

    @Override
    public long swapOut(int[] block, int[] slot, int count) {
        int elements = PAGE_TOKENS * shape.kvWidth();
        for (int i = 0; i < count; i++) {
            for (int layer = 0; layer < shape.layers(); layer++) {
                System.arraycopy(keyCache[layer], block[i] * elements, swap[slot[i]][2 * layer], 0, elements);
                System.arraycopy(valueCache[layer], block[i] * elements, swap[slot[i]][2 * layer + 1], 0, elements);
            }
        }
        return 0;
    }

    @Override
    public long swapIn(int[] slot, int[] block, int count) {
        int elements = PAGE_TOKENS * shape.kvWidth();
        for (int i = 0; i < count; i++) {
            for (int layer = 0; layer < shape.layers(); layer++) {
                System.arraycopy(swap[slot[i]][2 * layer], 0, keyCache[layer], block[i] * elements, elements);
                System.arraycopy(swap[slot[i]][2 * layer + 1], 0, valueCache[layer], block[i] * elements, elements);
            }
        }
        return 0;
    }

    @Override
    public boolean swapped(long ticket) {
        return true;
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
        FloatMatrix embedding = weights.get(model.embedding());
        int width = shape.embedding();
        for (int t = 0; t < batch.tokens; t++) {
            int position = batch.position.get(t);
            for (int i = 0; i < width; i++) {
                x[t * width + i] = embedding.at(batch.token.get(t), i) * shape.embeddingScale();
            }
            if (model.positionEmbedding() != LayerWeights.NONE) {
                FloatMatrix positions = weights.get(model.positionEmbedding());
                for (int i = 0; i < width; i++) {
                    x[t * width + i] += positions.at(position, i);
                }
            }
            for (Rotation rotation : rotations) {
                rotation.place(t, position);
            }
        }
    }

    @Override
    public void attentionInput(int layer) {
        LayerWeights weight = layers[layer];
        int rope = shape.layerShapes().get(layer).rope();
        norm(weight.attentionNorm(), weight.attentionNormBias());
        multiply(weight.query(), weight.queryBias(), normed, query);
        multiply(weight.key(), weight.keyBias(), normed, key);
        multiply(weight.value(), weight.valueBias(), normed, value);
        for (int t = 0; t < batch.tokens; t++) {
            finishHeads(query, t, shape.heads(), weight.queryNorm(), rope);
            finishHeads(key, t, shape.kvHeads(), weight.keyNorm(), rope);
            if (batch.slot.get(t) >= 0) {
                int at = Math.toIntExact(batch.slot.get(t) * shape.kvWidth());
                cache(key, t * shape.kvWidth(), keyCache[layer], at);
                cache(value, t * shape.kvWidth(), valueCache[layer], at);
            }
        }
    }

    /// RMS norm over each head of one token, then its rotation, where the layer has them.
    private void finishHeads(float[] data, int token, int heads, int norm, int rope) {
        for (int head = 0; head < heads; head++) {
            int at = (token * heads + head) * shape.headDim();
            if (norm != LayerWeights.NONE) {
                Norm.RMS.apply(data, at, vector(norm), vector(LayerWeights.NONE), shape.normEpsilon(), data, at);
            }
            if (rope != LayerShape.NO_ROPE) {
                rotations.get(rope).turn(token, data, at);
            }
        }
    }

    private void cache(float[] from, int at, float[] cache, int to) {
        System.arraycopy(from, at, cache, to, shape.kvWidth());
        for (int head = 0; head < shape.kvHeads(); head++) {
            cacheType.round(cache, to + head * shape.headDim(), shape.headDim());
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

    /// attended = softmax(q · K · attentionScale) · V for one token and head.
    private void attend(int layer, int sequence, int token, int head) {
        int headDim = shape.headDim();
        int kvHead = head / (shape.heads() / shape.kvHeads());
        int at = token * shape.queryWidth() + head * headDim;
        int length = batch.position.get(token) + 1;
        int window = shape.layerShapes().get(layer).window();
        int first = window == LayerShape.WHOLE_CONTEXT ? 0 : Math.max(0, length - window);
        float largest = Float.NEGATIVE_INFINITY;
        for (int position = first; position < length; position++) {
            int cached = cacheIndex(sequence, position, kvHead);
            float sum = 0;
            for (int i = 0; i < headDim; i++) {
                sum += query[at + i] * keyCache[layer][cached + i];
            }
            scores[position] = sum * shape.attentionScale();
            largest = Math.max(largest, scores[position]);
        }
        float total = 0;
        for (int position = first; position < length; position++) {
            scores[position] = (float) Math.exp(scores[position] - largest);
            total += scores[position];
        }
        Arrays.fill(attended, at, at + headDim, 0);
        for (int position = first; position < length; position++) {
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
        LayerWeights weight = layers[layer];
        multiply(weight.output(), weight.outputBias(), attended, projected);
        addToResidual(weight.postAttentionNorm());
    }

    @Override
    public void feedForwardGate(int layer) {
        LayerWeights weight = layers[layer];
        norm(weight.feedForwardNorm(), weight.feedForwardNormBias());
        if (shape.activation().gated()) {
            multiply(weight.gate(), weight.gateBias(), normed, gate);
        }
        multiply(weight.up(), weight.upBias(), normed, up);
        for (int i = 0; i < batch.tokens * shape.feedForward(); i++) {
            gate[i] = shape.activation().of(gate[i], up[i]);
        }
    }

    @Override
    public void feedForwardDown(int layer) {
        LayerWeights weight = layers[layer];
        multiply(weight.down(), weight.downBias(), gate, projected);
        addToResidual(weight.postFeedForwardNorm());
    }

    private void addToResidual(int norm) {
        int width = shape.embedding();
        for (int t = 0; t < batch.tokens && norm != LayerWeights.NONE; t++) {
            normRow(norm, LayerWeights.NONE, projected, t * width, projected, t * width);
        }
        for (int i = 0; i < batch.tokens * width; i++) {
            x[i] += projected[i];
        }
    }

    @Override
    public void logits() {
        int width = shape.embedding();
        for (int r = 0; r < batch.rows; r++) {
            normRow(model.outputNorm(), model.outputNormBias(), x, batch.logitRow.get(r) * width, normed, r * width);
        }
        weights.get(model.outputHead()).multiply(normed, batch.rows, logits);
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

    /// normed = norm(x).
    private void norm(int weight, int bias) {
        for (int t = 0; t < batch.tokens; t++) {
            normRow(weight, bias, x, t * shape.embedding(), normed, t * shape.embedding());
        }
    }

    private void normRow(int weight, int bias, float[] in, int from, float[] out, int to) {
        shape.norm().apply(in, from, vector(weight), vector(bias), shape.normEpsilon(), out, to);
    }

    /// out `[T, rows]` = in `[T, columns]` · weightᵀ + bias.
    private void multiply(int weight, int bias, float[] in, float[] out) {
        FloatMatrix matrix = weights.get(weight);
        matrix.multiply(in, batch.tokens, out);
        float[] added = vector(bias);
        for (int t = 0; t < batch.tokens; t++) {
            for (int i = 0; i < added.length; i++) {
                out[t * matrix.rows() + i] += added[i];
            }
        }
    }

    /// The elements of a norm or bias; none where the model has none.
    private float[] vector(int id) {
        return id == LayerWeights.NONE ? NO_ELEMENTS : weights.get(id).data();
    }
}
