package dev.quire.kernel.cpu;

import dev.quire.kernel.Activation;
import dev.quire.kernel.Batch;
import dev.quire.kernel.BatchLimits;
import dev.quire.kernel.Kernels;
import dev.quire.kernel.LayerShape;
import dev.quire.kernel.LayerWeights;
import dev.quire.kernel.ModelShape;
import dev.quire.kernel.ModelWeights;
import dev.quire.kernel.Norm;
import dev.quire.kernel.Rope;
import dev.quire.tensor.Tensor;
import dev.quire.tensor.TensorType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/// A random model of one weight type, and steps over it: what the tests of this package run on several backends.
final class TinyModel {
    static final int VOCABULARY = 211;
    static final ModelShape SHAPE = new ModelShape(
            256,
            160,
            VOCABULARY,
            6,
            2,
            16,
            640,
            Norm.RMS,
            1e-5f,
            Activation.GATED_SILU,
            1,
            0.25f,
            List.of(Rope.of(Rope.Pairs.ADJACENT, 16, 10_000)),
            Collections.nCopies(2, new LayerShape(LayerShape.WHOLE_CONTEXT, 0)));
    static final BatchLimits LIMITS = new BatchLimits(64, 4, 16, 40, 256, 64);
    static final int BLOCKS = 160;

    /// In the place of a weight that the model does not have.
    private static final Tensor NONE =
            new Tensor("none", TensorType.F32, 1, 1, Arena.ofAuto().allocate(4));

    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

    private final Random random;
    private final TensorType type;
    private final ModelShape shape;
    private final List<Tensor> model; // in the order of ModelWeights, absent ones empty
    private final List<List<Tensor>> layers = new ArrayList<>(); // in the order of LayerWeights

    /// A small Llama.
    TinyModel(TensorType type, long seed) {
        this(TinyArchitecture.LLAMA, SHAPE, type, seed);
    }

    TinyModel(TinyArchitecture kind, ModelShape shape, TensorType type, long seed) {
        this.type = type;
        this.shape = shape;
        random = new Random(seed);
        model = model(kind);
        for (int layer = 0; layer < shape.layers(); layer++) {
            layers.add(layer(kind));
        }
    }

    private List<Tensor> model(TinyArchitecture kind) {
        int embedding = shape.embedding();
        return List.of(
                matrix(type, shape.vocabulary(), embedding),
                kind.hasPositions() ? matrix(type, shape.contextLength() + 3, embedding) : NONE,
                norm(embedding),
                kind.hasNormBiases() ? bias(embedding) : NONE,
                matrix(type, shape.vocabulary(), embedding));
    }

    private List<Tensor> layer(TinyArchitecture kind) {
        int embedding = shape.embedding();
        int query = shape.queryWidth();
        int kv = shape.kvWidth();
        int hidden = shape.feedForward();
        return List.of(
                norm(embedding),
                kind.hasNormBiases() ? bias(embedding) : NONE,
                matrix(type, query, embedding),
                kind.hasInputBiases() ? bias(query) : NONE,
                matrix(type, kv, embedding),
                kind.hasInputBiases() ? bias(kv) : NONE,
                matrix(type, kv, embedding),
                kind.hasInputBiases() ? bias(kv) : NONE,
                kind.hasHeadNorms() ? norm(shape.headDim()) : NONE,
                kind.hasHeadNorms() ? norm(shape.headDim()) : NONE,
                matrix(type, embedding, query),
                kind.hasOtherBiases() ? bias(embedding) : NONE,
                kind.hasPostNorms() ? norm(embedding) : NONE,
                norm(embedding),
                kind.hasNormBiases() ? bias(embedding) : NONE,
                shape.activation().gated() ? matrix(type, hidden, embedding) : NONE,
                kind.hasGateBias() ? bias(hidden) : NONE,
                matrix(type, hidden, embedding),
                kind.hasOtherBiases() ? bias(hidden) : NONE,
                matrix(type, embedding, hidden),
                kind.hasOtherBiases() ? bias(embedding) : NONE,
                kind.hasPostNorms() ? norm(embedding) : NONE);
    }

    TensorType type() {
        return type;
    }

    ModelShape shape() {
        return shape;
    }

    /// Registers all weights and opens the cache.
    void load(Kernels kernels) {
        LayerWeights[] ids = layers.stream()
                .map(tensors -> layerWeights(ids(kernels, tensors)))
                .toArray(LayerWeights[]::new);
        int[] id = ids(kernels, model);
        kernels.bind(ids, new ModelWeights(id[0], id[1], id[2], id[3], id[4]));
        kernels.openCache(BLOCKS);
    }

    private static int[] ids(Kernels kernels, List<Tensor> tensors) {
        return tensors.stream()
                .mapToInt(tensor -> tensor == NONE ? LayerWeights.NONE : kernels.weight(tensor))
                .toArray();
    }

    static LayerWeights layerWeights(int[] i) {
        return new LayerWeights(
                i[0], i[1], i[2], i[3], i[4], i[5], i[6], i[7], i[8], i[9], i[10], i[11], i[12], i[13], i[14], i[15],
                i[16], i[17], i[18], i[19], i[20], i[21]);
    }

    /// Tokens `from` … `to - 1` of a sequence whose blocks are `blocks`.
    record Part(int[] tokens, int from, int to, int[] blocks) {}

    /// Blocks `first`, `first + stride`, …
    static int[] blocks(int first, int stride) {
        return IntStream.range(0, LIMITS.tableBlocks())
                .map(i -> Math.floorMod(first + i * stride, BLOCKS))
                .toArray();
    }

    static int[] tokens(long seed, int count) {
        return new Random(seed).ints(count, 0, VOCABULARY).toArray();
    }

    /// A batch of these parts with a greedy row for the last token of each.
    static void fill(Batch batch, Part... parts) {
        batch.clear();
        for (Part part : parts) {
            int s = batch.sequences++;
            for (int i = part.from; i < part.to; i++) {
                int t = batch.tokens++;
                batch.token.put(t, part.tokens[i]);
                batch.position.put(t, i);
                batch.slot.put(
                        t, (long) part.blocks[i / Kernels.PAGE_TOKENS] * Kernels.PAGE_TOKENS + i % Kernels.PAGE_TOKENS);
            }
            batch.queryStart.put(s + 1, batch.tokens);
            batch.contextLength.put(s, part.to);
            for (int i = 0; i < part.blocks.length; i++) {
                batch.blockTable.put(s * LIMITS.tableBlocks() + i, part.blocks[i]);
            }
            batch.greedyRow(batch.rows++, batch.tokens - 1);
        }
    }

    /// One whole step.
    static void step(Kernels kernels, Batch batch) {
        step(SHAPE, kernels, batch);
    }

    private static void step(ModelShape shape, Kernels kernels, Batch batch) {
        kernels.beginStep(batch);
        kernels.embed();
        for (int layer = 0; layer < shape.layers(); layer++) {
            kernels.attentionInput(layer);
            kernels.pagedAttention(layer);
            kernels.attentionOutput(layer);
            kernels.feedForwardGate(layer);
            kernels.feedForwardDown(layer);
        }
        kernels.logits();
        kernels.sample();
        kernels.endStep();
    }

    /// Steps over `parts` and returns the logits of each part's last token.
    static float[][] logits(Kernels kernels, Batch batch, Part... parts) {
        return logits(SHAPE, kernels, batch, parts);
    }

    static float[][] logits(ModelShape shape, Kernels kernels, Batch batch, Part... parts) {
        fill(batch, parts);
        step(shape, kernels, batch);
        float[][] logits = new float[parts.length][VOCABULARY];
        for (int row = 0; row < parts.length; row++) {
            kernels.readLogits(row, logits[row]);
        }
        return logits;
    }

    /// Logits of the last of `to` tokens, computed in chunks of at most `chunk`.
    static float[] prefill(Kernels kernels, Batch batch, int[] tokens, int to, int[] blocks, int chunk) {
        return prefill(SHAPE, kernels, batch, tokens, to, blocks, chunk);
    }

    static float[] prefill(
            ModelShape shape, Kernels kernels, Batch batch, int[] tokens, int to, int[] blocks, int chunk) {
        float[] last = {};
        for (int from = 0; from < to; from += chunk) {
            last = logits(shape, kernels, batch, new Part(tokens, from, Math.min(to, from + chunk), blocks))[0];
        }
        return last;
    }

    private Tensor norm(int count) {
        return vector("norm", count, 0.5f);
    }

    private Tensor bias(int count) {
        return vector("bias", count, -0.5f);
    }

    /// Numbers from `least` to `least + 1`.
    private Tensor vector(String name, int count, float least) {
        MemorySegment data = Arena.ofAuto().allocate(count * 4L);
        for (int i = 0; i < count; i++) {
            data.set(FLOAT, i * 4L, least + random.nextFloat());
        }
        return new Tensor(name, TensorType.F32, 1, count, data);
    }

    /// Columns that do not fill blocks of `wanted` are stored as Q8_0, as quantising tools do.
    private Tensor matrix(TensorType wanted, int rows, int columns) {
        TensorType type = columns % wanted.blockElements() == 0 ? wanted : TensorType.Q8_0;
        MemorySegment data = Arena.ofAuto().allocate(rows * type.rowBytes(columns));
        float spread = (float) (2 / Math.sqrt(columns));
        for (long at = 0; at < data.byteSize(); at += type.blockBytes()) {
            block(type, data.asSlice(at, type.blockBytes()), spread);
        }
        return new Tensor("matrix", type, rows, columns, data);
    }

    /// Random quants and sub-scales, with scales that make weights of about `spread` around zero.
    private void block(TensorType type, MemorySegment block, float spread) {
        randomBytes(block);
        float size = (0.5f + random.nextFloat()) * spread;
        switch (type) {
            case F32 -> block.set(FLOAT, 0, value() * spread);
            case F16 -> half(block, 0, value() * spread);
            case BF16 -> block.set(SHORT, 0, (short) (Float.floatToIntBits(value() * spread) >> 16));
            case Q4_0 -> half(block, 0, size / 8);
            case Q4_1 -> {
                half(block, 0, size / 8);
                half(block, 2, -7.5f * size / 8);
            }
            case Q5_0 -> half(block, 0, size / 16);
            case Q5_1 -> {
                half(block, 0, size / 16);
                half(block, 2, -15.5f * size / 16);
            }
            case Q8_0, IQ4_NL -> half(block, 0, size / 128);
            case Q2_K -> {
                half(block, 80, size / 32);
                half(block, 82, 1.5f * size / 32);
            }
            case Q3_K -> half(block, 108, size / 64);
            case Q4_K -> {
                half(block, 0, size / 512);
                half(block, 2, 7.5f * size / 512);
            }
            case Q5_K -> {
                half(block, 0, size / 1024);
                half(block, 2, 15.5f * size / 1024);
            }
            case Q6_K -> half(block, 208, size / 2048);
            case MXFP4 -> block.set(ValueLayout.JAVA_BYTE, 0, (byte) (128 + Math.getExponent(size / 12)));
        }
    }

    private static void half(MemorySegment block, long offset, float value) {
        block.set(SHORT, offset, Float.floatToFloat16(value));
    }

    private float value() {
        return random.nextFloat() * 2 - 1;
    }

    private void randomBytes(MemorySegment segment) {
        byte[] bytes = new byte[(int) segment.byteSize()];
        random.nextBytes(bytes);
        segment.copyFrom(MemorySegment.ofArray(bytes));
    }
}
