package dev.quire.kernel.cpu;

import dev.quire.kernel.Activation;
import dev.quire.kernel.LayerShape;
import dev.quire.kernel.ModelShape;
import dev.quire.kernel.Norm;
import dev.quire.kernel.Rope;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/// The kinds of model that the kernels compute, in random small shapes: which weights each has, and what its layers
/// do.
enum TinyArchitecture {
    LLAMA,
    /// A Llama with a bias at every product.
    LLAMA_BIASES,
    MISTRAL,
    QWEN2,
    QWEN3,
    GEMMA3,
    PHI3,
    GPT2;

    private static final int CONTEXT_LENGTH = 400;
    private static final int[] WINDOWS = {1, 15, 16, 17, 60, 255, 256, 257, 500};
    private static final int[] GROUPS = {1, 2, 3, 7, 8, 9, 16};

    boolean hasInputBiases() {
        return this == QWEN2 || this == GPT2 || this == LLAMA_BIASES;
    }

    boolean hasOtherBiases() {
        return this == GPT2 || this == LLAMA_BIASES;
    }

    boolean hasGateBias() {
        return this == LLAMA_BIASES;
    }

    boolean hasNormBiases() {
        return this == GPT2;
    }

    boolean hasPositions() {
        return this == GPT2;
    }

    boolean hasHeadNorms() {
        return this == QWEN3 || this == GEMMA3;
    }

    boolean hasPostNorms() {
        return this == GEMMA3;
    }

    /// A random shape whose widths are multiples of `unit`.
    ModelShape shape(long seed, int unit) {
        Random random = new Random(seed * 31 + ordinal());
        int headDim;
        int kvHeads;
        int heads;
        do {
            int[] headDims = this == GEMMA3 ? new int[] {128, 256} : new int[] {8, 16, 20, 32, 40, 64, 80, 96, 112};
            headDim = headDims[random.nextInt(headDims.length)];
            kvHeads = 1 + random.nextInt(3);
            heads = kvHeads * GROUPS[random.nextInt(GROUPS.length)];
        } while (heads * headDim > 1100 || heads * headDim % unit != 0);
        int embedding = 64 / unit * unit + unit * random.nextInt(64 / unit + 1);
        return new ModelShape(
                embedding,
                96 / unit * unit + unit * random.nextInt(96 / unit + 1),
                TinyModel.VOCABULARY,
                heads,
                kvHeads,
                headDim,
                CONTEXT_LENGTH,
                this == GPT2 ? Norm.LAYER : Norm.RMS,
                1e-6f,
                activation(),
                this == GEMMA3 ? (float) Math.sqrt(embedding) : 1,
                (float) (1 / Math.sqrt(this == GEMMA3 ? headDim + 9 : headDim)),
                ropes(headDim, random),
                layers(random));
    }

    private Activation activation() {
        return switch (this) {
            case LLAMA, LLAMA_BIASES, MISTRAL, QWEN2, QWEN3, PHI3 -> Activation.GATED_SILU;
            case GEMMA3 -> Activation.GATED_GELU;
            case GPT2 -> Activation.GELU;
        };
    }

    private List<Rope> ropes(int headDim, Random random) {
        return switch (this) {
            case LLAMA, LLAMA_BIASES -> List.of(stretched(Rope.of(Rope.Pairs.ADJACENT, headDim, 500_000)));
            case MISTRAL -> List.of(Rope.of(Rope.Pairs.ADJACENT, headDim, 10_000));
            case QWEN2, QWEN3 -> List.of(Rope.of(Rope.Pairs.HALVES, headDim, 1_000_000));
            case GEMMA3 ->
                List.of(
                        Rope.of(Rope.Pairs.HALVES, headDim, 10_000),
                        stretched(Rope.of(Rope.Pairs.HALVES, headDim, 1_000_000)));
            case PHI3 -> {
                int dim = headDim * (1 + random.nextInt(4)) / 4 / 2 * 2;
                yield List.of(new Rope(
                        Rope.Pairs.HALVES,
                        Rope.of(Rope.Pairs.HALVES, dim, 10_000).inverseFrequencies(),
                        1.19f));
            }
            case GPT2 -> List.of();
        };
    }

    /// Lower frequencies, as a rope for longer contexts has.
    private static Rope stretched(Rope rope) {
        float[] frequencies = rope.inverseFrequencies().clone();
        for (int i = frequencies.length / 2; i < frequencies.length; i++) {
            frequencies[i] /= 8;
        }
        return new Rope(rope.pairs(), frequencies, rope.magnitude());
    }

    private List<LayerShape> layers(Random random) {
        int window = WINDOWS[random.nextInt(WINDOWS.length)];
        return switch (this) {
            case LLAMA, LLAMA_BIASES, QWEN2, QWEN3 ->
                Collections.nCopies(2, new LayerShape(LayerShape.WHOLE_CONTEXT, 0));
            case MISTRAL, PHI3 -> Collections.nCopies(2, new LayerShape(window, 0));
            case GEMMA3 -> {
                List<LayerShape> layers = new ArrayList<>(Collections.nCopies(2, new LayerShape(window, 0)));
                layers.add(new LayerShape(LayerShape.WHOLE_CONTEXT, 1));
                yield layers;
            }
            case GPT2 -> Collections.nCopies(2, new LayerShape(LayerShape.WHOLE_CONTEXT, LayerShape.NO_ROPE));
        };
    }
}
