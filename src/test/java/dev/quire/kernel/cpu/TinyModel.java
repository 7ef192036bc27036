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
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/// A random model of one weight type, and steps over it: what the tests of this package run on several backends.
final class TinyModel {
    static final ModelShape SHAPE = new ModelShape(
            96,
            160,
            211,
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

    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

    private final Random random;
    private final TensorType type;
    private final Tensor embedding;
    private final Tensor outputNorm;
    private final Tensor outputHead;
    private final List<Tensor[]> layers = new ArrayList<>();

    TinyModel(TensorType type, long seed) {
        this.type = type;
        random = new Random(seed);
        embedding = matrix(type, SHAPE.vocabulary(), SHAPE.embedding());
        outputNorm = norm();
        outputHead = matrix(type, SHAPE.vocabulary(), SHAPE.embedding());
        for (int layer = 0; layer < SHAPE.layers(); layer++) {
            layers.add(new Tensor[] {
                norm(),
                matrix(type, SHAPE.queryWidth(), SHAPE.embedding()),
                matrix(type, SHAPE.kvWidth(), SHAPE.embedding()),
                matrix(type, SHAPE.kvWidth(), SHAPE.embedding()),
                matrix(type, SHAPE.embedding(), SHAPE.queryWidth()),
                norm(),
                matrix(type, SHAPE.feedForward(), SHAPE.embedding()),
                matrix(type, SHAPE.feedForward(), SHAPE.embedding()),
                matrix(type, SHAPE.embedding(), SHAPE.feedForward()),
            });
        }
    }

    TensorType type() {
        return type;
    }

    /// Registers all weights and opens the cache.
    void load(Kernels kernels) {
        LayerWeights[] ids = layers.stream()
                .map(tensors -> {
                    int[] id = Arrays.stream(tensors).mapToInt(kernels::weight).toArray();
                    int none = LayerWeights.NONE;
                    return new LayerWeights(
                            id[0], none, id[1], none, id[2], none, id[3], none, none, none, id[4], none, none, id[5],
                            none, id[6], id[7], none, id[8], none, none);
                })
                .toArray(LayerWeights[]::new);
        kernels.bind(
                ids,
                new ModelWeights(
                        kernels.weight(embedding),
                        LayerWeights.NONE,
                        kernels.weight(outputNorm),
                        LayerWeights.NONE,
                        kernels.weight(outputHead)));
        kernels.openCache(BLOCKS);
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
        return new Random(seed).ints(count, 0, SHAPE.vocabulary()).toArray();
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
        kernels.beginStep(batch);
        kernels.embed();
        for (int layer = 0; layer < SHAPE.layers(); layer++) {
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
        fill(batch, parts);
        step(kernels, batch);
        float[][] logits = new float[parts.length][SHAPE.vocabulary()];
        for (int row = 0; row < parts.length; row++) {
            kernels.readLogits(row, logits[row]);
        }
        return logits;
    }

    /// Logits of the last of `to` tokens, computed in chunks of at most `chunk`.
    static float[] prefill(Kernels kernels, Batch batch, int[] tokens, int to, int[] blocks, int chunk) {
        float[] last = null;
        for (int from = 0; from < to; from += chunk) {
            last = logits(kernels, batch, new Part(tokens, from, Math.min(to, from + chunk), blocks))[0];
        }
        return last;
    }

    private Tensor norm() {
        MemorySegment data = Arena.ofAuto().allocate(SHAPE.embedding() * 4L);
        for (int i = 0; i < SHAPE.embedding(); i++) {
            data.set(FLOAT, i * 4L, 0.5f + random.nextFloat());
        }
        return new Tensor("norm", TensorType.F32, 1, SHAPE.embedding(), data);
    }

    private Tensor matrix(TensorType type, int rows, int columns) {
        MemorySegment data = Arena.ofAuto().allocate(rows * type.rowBytes(columns));
        float spread = (float) (2 / Math.sqrt(columns));
        for (long at = 0; at < data.byteSize(); at += type.blockBytes()) {
            switch (type) {
                case F32 -> data.set(FLOAT, at, value() * spread);
                case F16 -> data.set(SHORT, at, Float.floatToFloat16(value() * spread));
                case Q4_1 -> {
                    float step = (0.5f + random.nextFloat()) * spread / 8;
                    data.set(SHORT, at, Float.floatToFloat16(step));
                    data.set(SHORT, at + 2, Float.floatToFloat16(-7.5f * step));
                    randomBytes(data.asSlice(at + 4, 16));
                }
                case Q8_0 -> {
                    data.set(SHORT, at, Float.floatToFloat16((0.5f + random.nextFloat()) * spread / 128));
                    randomBytes(data.asSlice(at + 2, 32));
                }
            }
        }
        return new Tensor("matrix", type, rows, columns, data);
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
