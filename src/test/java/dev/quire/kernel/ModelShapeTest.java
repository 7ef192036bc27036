package dev.quire.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/// What a model's numbers must be, and in which words they are refused.
class ModelShapeTest {
    private static final Rope ROPE = Rope.of(Rope.Pairs.HALVES, 16, 10_000);

    private static ModelShape shape(int heads, int kvHeads, float epsilon, float scale, List<LayerShape> layers) {
        return new ModelShape(
                64,
                96,
                100,
                heads,
                kvHeads,
                16,
                512,
                Norm.RMS,
                epsilon,
                Activation.GATED_SILU,
                1,
                scale,
                List.of(ROPE),
                layers);
    }

    private static List<LayerShape> layers(int window, int rope) {
        return Collections.nCopies(3, new LayerShape(window, rope));
    }

    private static void refuses(String message, Executable call) {
        assertEquals(message, assertThrows(IllegalArgumentException.class, call).getMessage());
    }

    @Test
    void widths_ofHeads_areTheirProducts() {
        ModelShape shape = shape(6, 2, 1e-5f, 0.25f, layers(0, 0));
        assertEquals(96, shape.queryWidth());
        assertEquals(32, shape.kvWidth());
        assertEquals(3, shape.layers());
        assertEquals(100, shape.withContextLength(100).contextLength());
        assertEquals(shape, shape.withContextLength(100).withContextLength(512));
    }

    @Test
    void new_numbersThatMakeNoModel_areRefused() {
        refuses("layers must be positive: layers=0", () -> shape(6, 2, 1e-5f, 1, List.of()));
        refuses("heads must be positive: heads=0", () -> shape(0, 2, 1e-5f, 1, layers(0, 0)));
        refuses("kvHeads must be positive: kvHeads=-1", () -> shape(6, -1, 1e-5f, 1, layers(0, 0)));
        refuses("heads must be a multiple of kvHeads: heads=6, kvHeads=4", () -> shape(6, 4, 1e-5f, 1, layers(0, 0)));
        refuses(
                "normEpsilon must be positive and finite: normEpsilon=NaN",
                () -> shape(6, 2, Float.NaN, 1, layers(0, 0)));
        refuses(
                "attentionScale must be positive and finite: attentionScale=Infinity",
                () -> shape(6, 2, 1e-5f, Float.POSITIVE_INFINITY, layers(0, 0)));
        refuses(
                "attentionScale must be positive and finite: attentionScale=0.0",
                () -> shape(6, 2, 1e-5f, 0, layers(0, 0)));
        refuses(
                "a layer's rope must be one of the model's: rope=1, ropes=1",
                () -> shape(6, 2, 1e-5f, 1, layers(0, 1)));
        refuses("contextLength must be positive: contextLength=0", () -> shape(6, 2, 1e-5f, 1, layers(0, 0))
                .withContextLength(0));
    }

    @Test
    void new_ropeWiderThanAHead_isRefused() {
        refuses(
                "a rope must fit a head: ropeDim=18, headDim=16",
                () -> new ModelShape(
                        64,
                        96,
                        100,
                        6,
                        2,
                        16,
                        512,
                        Norm.RMS,
                        1e-5f,
                        Activation.GELU,
                        1,
                        1,
                        List.of(Rope.of(Rope.Pairs.ADJACENT, 18, 10_000)),
                        layers(0, 0)));
    }

    @Test
    void layerShape_negativeNumbers_areRefused() {
        refuses("window must not be negative: window=-1", () -> new LayerShape(-1, 0));
        refuses("rope must be an index or -1: rope=-2", () -> new LayerShape(0, -2));
        assertEquals(LayerShape.NO_ROPE, new LayerShape(LayerShape.WHOLE_CONTEXT, -1).rope());
    }

    @Test
    void rope_ofABase_fallsGeometrically() {
        float[] frequencies = Rope.of(Rope.Pairs.ADJACENT, 8, 10_000).inverseFrequencies();
        assertEquals(
                List.of(1f, 0.1f, 0.01f, 0.001f),
                List.of(frequencies[0], frequencies[1], frequencies[2], frequencies[3]));
        assertEquals(8, Rope.of(Rope.Pairs.ADJACENT, 8, 10_000).dim());
    }

    @Test
    void rope_sameNumbers_areEqual() {
        Rope rope = new Rope(Rope.Pairs.HALVES, new float[] {1, 0.5f}, 1.5f);
        Rope same = new Rope(Rope.Pairs.HALVES, new float[] {1, 0.5f}, 1.5f);
        assertEquals(rope, same);
        assertEquals(rope.hashCode(), same.hashCode());
        assertNotEquals(rope, new Rope(Rope.Pairs.ADJACENT, new float[] {1, 0.5f}, 1.5f));
        assertNotEquals(rope, new Rope(Rope.Pairs.HALVES, new float[] {1, 0.25f}, 1.5f));
        assertNotEquals(rope, new Rope(Rope.Pairs.HALVES, new float[] {1, 0.5f}, 1));
    }

    @Test
    void rope_thatTurnsNothingOrToInfinity_isRefused() {
        refuses(
                "a rope must have frequencies and a positive magnitude: frequencies=0, magnitude=1.0",
                () -> new Rope(Rope.Pairs.HALVES, new float[0], 1));
        refuses(
                "a rope must have frequencies and a positive magnitude: frequencies=1, magnitude=-1.0",
                () -> new Rope(Rope.Pairs.HALVES, new float[] {1}, -1));
        for (float bad : new float[] {-1, Float.NaN, Float.POSITIVE_INFINITY}) {
            var e = assertThrows(
                    IllegalArgumentException.class, () -> new Rope(Rope.Pairs.HALVES, new float[] {1, bad}, 1));
            assertTrue(e.getMessage().startsWith("rope frequencies must be finite and not negative: "), e.getMessage());
        }
    }
}
