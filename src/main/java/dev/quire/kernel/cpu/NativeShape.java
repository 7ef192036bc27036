package dev.quire.kernel.cpu;

import dev.quire.kernel.Activation;
import dev.quire.kernel.CacheType;
import dev.quire.kernel.LayerShape;
import dev.quire.kernel.LayerWeights;
import dev.quire.kernel.ModelShape;
import dev.quire.kernel.ModelWeights;
import dev.quire.kernel.Norm;
import dev.quire.kernel.Rope;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/// A {@link ModelShape} and its weights' ids as `quire_kernels.h` wants them.
final class NativeShape {
    private NativeShape() {}

    /// Writes the shape into `config`; its arrays live as long as `arena`, and `quire_open` copies them.
    static void write(ModelShape shape, QuireCpu.Config config, Arena arena) {
        config.layers(shape.layers());
        config.embedding(shape.embedding());
        config.feed_forward(shape.feedForward());
        config.vocabulary(shape.vocabulary());
        config.heads(shape.heads());
        config.kv_heads(shape.kvHeads());
        config.head_dim(shape.headDim());
        config.context_length(shape.contextLength());
        config.norm(number(shape.norm()));
        config.norm_epsilon(shape.normEpsilon());
        config.activation(number(shape.activation()));
        config.embedding_scale(shape.embeddingScale());
        config.attention_scale(shape.attentionScale());
        config.ropes(shape.ropes().size());
        config.rope_pairs(ints(
                arena,
                shape.ropes().stream().mapToInt(rope -> number(rope.pairs())).toArray()));
        config.rope_dim(ints(arena, shape.ropes().stream().mapToInt(Rope::dim).toArray()));
        int frequencies = shape.ropes().stream().mapToInt(Rope::dim).sum() / 2;
        MemorySegment magnitude =
                arena.allocate(ValueLayout.JAVA_FLOAT, shape.ropes().size());
        MemorySegment frequency = arena.allocate(ValueLayout.JAVA_FLOAT, frequencies);
        int at = 0;
        for (int i = 0; i < shape.ropes().size(); i++) {
            Rope rope = shape.ropes().get(i);
            magnitude.setAtIndex(ValueLayout.JAVA_FLOAT, i, rope.magnitude());
            for (float inverse : rope.inverseFrequencies()) {
                frequency.setAtIndex(ValueLayout.JAVA_FLOAT, at++, inverse);
            }
        }
        config.rope_magnitude(magnitude.address());
        config.inverse_frequency(frequency.address());
        config.layer_rope(ints(
                arena, shape.layerShapes().stream().mapToInt(LayerShape::rope).toArray()));
        config.layer_window(ints(
                arena, shape.layerShapes().stream().mapToInt(LayerShape::window).toArray()));
    }

    private static long ints(Arena arena, int[] values) {
        return arena.allocateFrom(ValueLayout.JAVA_INT, values).address();
    }

    private static int number(Norm norm) {
        return switch (norm) {
            case RMS -> QuireCpu.NORM_RMS;
            case LAYER -> QuireCpu.NORM_LAYER;
        };
    }

    private static int number(Activation activation) {
        return switch (activation) {
            case GATED_SILU -> QuireCpu.GATED_SILU;
            case GATED_GELU -> QuireCpu.GATED_GELU;
            case GELU -> QuireCpu.GELU;
        };
    }

    static int number(CacheType type) {
        return switch (type) {
            case AUTO -> QuireCpu.CACHE_AUTO;
            case F16 -> QuireCpu.CACHE_F16;
            case BF16 -> QuireCpu.CACHE_BF16;
            case INT8 -> QuireCpu.CACHE_INT8;
            case F32 ->
                throw new IllegalArgumentException("the CPU's cache must be bf16, f16 or int8: type=" + type.label());
        };
    }

    /// The type behind a number that is not AUTO's.
    static CacheType cacheType(int number) {
        return switch (number) {
            case QuireCpu.CACHE_F16 -> CacheType.F16;
            case QuireCpu.CACHE_BF16 -> CacheType.BF16;
            case QuireCpu.CACHE_INT8 -> CacheType.INT8;
            default -> throw new IllegalStateException("cache type must be known: number=" + number);
        };
    }

    private static int number(Rope.Pairs pairs) {
        return switch (pairs) {
            case ADJACENT -> QuireCpu.PAIRS_ADJACENT;
            case HALVES -> QuireCpu.PAIRS_HALVES;
        };
    }

    /// The ids of all layers, in the header's order.
    static int[] ids(LayerWeights[] layers) {
        int[][] ids = new int[layers.length][];
        for (int i = 0; i < layers.length; i++) {
            LayerWeights w = layers[i];
            ids[i] = new int[] {
                w.attentionNorm(),
                w.attentionNormBias(),
                w.query(),
                w.queryBias(),
                w.key(),
                w.keyBias(),
                w.value(),
                w.valueBias(),
                w.queryNorm(),
                w.keyNorm(),
                w.output(),
                w.outputBias(),
                w.postAttentionNorm(),
                w.feedForwardNorm(),
                w.feedForwardNormBias(),
                w.gate(),
                w.gateBias(),
                w.up(),
                w.upBias(),
                w.down(),
                w.downBias(),
                w.postFeedForwardNorm()
            };
        }
        return Arrays.stream(ids).flatMapToInt(Arrays::stream).toArray();
    }

    static int[] ids(ModelWeights w) {
        return new int[] {w.embedding(), w.positionEmbedding(), w.outputNorm(), w.outputNormBias(), w.outputHead()};
    }
}
