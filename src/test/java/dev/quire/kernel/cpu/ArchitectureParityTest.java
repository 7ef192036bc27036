package dev.quire.kernel.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.kernel.Batch;
import dev.quire.kernel.CacheType;
import dev.quire.kernel.Kernels;
import dev.quire.kernel.LayerShape;
import dev.quire.kernel.LogitErrors;
import dev.quire.kernel.ModelShape;
import dev.quire.kernel.cpu.TinyModel.Part;
import dev.quire.tensor.TensorType;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/// Every kind of model in random shapes: the native kernels against the reference, and against themselves bit for
/// bit.
class ArchitectureParityTest {
    private static final int CONTEXT = 320;
    private static final int LENGTH = 270;
    private static final int[] TOKENS = TinyModel.tokens(5, LENGTH);
    private static final int[] MATES = TinyModel.tokens(6, LENGTH);

    private static Kernels open(TinyModel model, int threads, String isa) {
        Kernels kernels = CpuKernels.open(model.shape(), TinyModel.LIMITS, threads, isa, CacheType.F16);
        model.load(kernels);
        return kernels;
    }

    static Stream<Arguments> randomShapes() {
        return Stream.of(TinyArchitecture.values())
                .flatMap(kind -> IntStream.range(0, 6).mapToObj(seed -> Arguments.of(kind, seed)));
    }

    /// Relative to the largest logit, which stands for all magnitudes. A sum of n products errs by at most n
    /// roundings, 2^-24 each, of the sum of its magnitudes; those of a row go through its sums one after the
    /// other. A key or value close to the middle of two float16 may be rounded to either, 2^-11 apart: one of the
    /// headDim elements of a head, reckoned once a layer. A quantised activation may too, which limits what long
    /// contexts can show of quantised weights; short ones show more ({@link LogitErrors}).
    static double tolerance(ModelShape shape, TensorType type) {
        if (type.blockElements() > 1) {
            return LogitErrors.ROUNDINGS;
        }
        int perLayer = 2 * shape.embedding() + shape.queryWidth() + shape.feedForward() + shape.headDim() + CONTEXT;
        double sums = (shape.layers() * perLayer + shape.embedding()) * 0x1p-24;
        return sums + shape.layers() * 0x1p-11 / Math.sqrt(shape.headDim());
    }

    @ParameterizedTest
    @MethodSource("randomShapes")
    void steps_prefillDecodeMixed_agreeWithReference(TinyArchitecture kind, int seed) {
        agreeWithReference(new TinyModel(kind, kind.shape(seed, 1), TensorType.F32, seed));
    }

    @ParameterizedTest
    @EnumSource
    void quantisedWeights_agreeWithReference(TinyArchitecture kind) {
        TinyModel[] models = {
            new TinyModel(kind, kind.shape(6, 32), TensorType.Q8_0, 6),
            new TinyModel(kind, kind.shape(7, 32), TensorType.Q4_1, 7)
        };
        for (TinyModel model : models) {
            agreeWithReference(model);
            try (Kernels kernels = open(model, 2, "auto")) {
                CpuKernelParityTest.shortSequencesEqual(model, kernels, 12);
            }
        }
        agreeWithReference(new TinyModel(kind, kind.shape(8, 1), TensorType.F16, 8));
    }

    private static void agreeWithReference(TinyModel model) {
        int[] first = TinyModel.tokens(2, 400);
        int[] second = TinyModel.tokens(3, 400);
        int[] blocks = TinyModel.blocks(0, 2);
        int[] others = TinyModel.blocks(1, 2);
        try (Kernels kernels = open(model, 2, "auto");
                Kernels reference = CpuKernelParityTest.emulation(model)) {
            Batch batch = new Batch(TinyModel.LIMITS);
            for (int from = 0; from < 300; from += 64) {
                agree(model, reference, kernels, batch, new Part(first, from, Math.min(300, from + 64), blocks));
            }
            Part[] mixed = {new Part(second, 0, 37, others), new Part(first, 300, 301, blocks)};
            agree(model, reference, kernels, batch, mixed);
            for (int i = 0; i < 4; i++) {
                Part[] decode = {new Part(first, 301 + i, 302 + i, blocks), new Part(second, 37 + i, 38 + i, others)};
                agree(model, reference, kernels, batch, decode);
            }
        }
    }

    private static void agree(TinyModel model, Kernels reference, Kernels kernels, Batch batch, Part... parts) {
        float[][] expected = TinyModel.logits(model.shape(), reference, batch, parts);
        float[][] actual = TinyModel.logits(model.shape(), kernels, batch, parts);
        for (int row = 0; row < expected.length; row++) {
            double error = LogitErrors.of(expected[row], actual[row]);
            assertTrue(error <= tolerance(model.shape(), model.type()), "error=" + error + ", " + model.shape());
        }
    }

    /// The same tokens in other variants, thread counts, chunks, blocks and company give the same bits.
    @ParameterizedTest
    @EnumSource
    void variantsThreadsCutsBlocksMates_doNotChangeBits(TinyArchitecture kind) {
        sameBits(new TinyModel(kind, kind.shape(10, 32), TensorType.Q8_0, 10));
        sameBits(new TinyModel(kind, kind.shape(11, 1), TensorType.F32, 11));
    }

    private static void sameBits(TinyModel model) {
        float[] expected = {};
        for (String isa : CpuKernelParityTest.isas()) {
            try (Kernels kernels = open(model, 1, isa)) {
                float[] whole = logits(model, kernels, 0, 1, 64);
                expected = expected.length == 0 ? whole : expected;
                assertArrayEquals(expected, whole, 0f, isa);
            }
        }
        for (int threads : new int[] {1, 2, 5}) {
            try (Kernels kernels = open(model, threads, "auto")) {
                String where = "threads=" + threads;
                assertArrayEquals(expected, logits(model, kernels, 150, -3, 1), 0f, where + ", one by one");
                assertArrayEquals(expected, logits(model, kernels, 0, 3, 17), 0f, where + ", chunk=17");
                assertArrayEquals(expected, besideOthers(model, kernels), 0f, where + ", with mates");
            }
        }
    }

    /// Logits of the last token, the last 20 tokens taken in chunks of `chunk`.
    private static float[] logits(TinyModel model, Kernels kernels, int firstBlock, int stride, int chunk) {
        Batch batch = new Batch(TinyModel.LIMITS);
        int[] blocks = TinyModel.blocks(firstBlock, stride);
        TinyModel.prefill(model.shape(), kernels, batch, TOKENS, LENGTH - 20, blocks, 64);
        float[] last = {};
        for (int from = LENGTH - 20; from < LENGTH; from += chunk) {
            Part part = new Part(TOKENS, from, Math.min(LENGTH, from + chunk), blocks);
            last = TinyModel.logits(model.shape(), kernels, batch, part)[0];
        }
        return last;
    }

    private static float[] besideOthers(TinyModel model, Kernels kernels) {
        Batch batch = new Batch(TinyModel.LIMITS);
        int[] blocks = TinyModel.blocks(0, 2);
        TinyModel.prefill(model.shape(), kernels, batch, TOKENS, LENGTH - 10, blocks, 40);
        Part[] parts = {
            new Part(MATES, 0, 30, TinyModel.blocks(1, 2)),
            new Part(TOKENS, LENGTH - 10, LENGTH, blocks),
            new Part(MATES, 0, 1, TinyModel.blocks(3, 2))
        };
        return TinyModel.logits(model.shape(), kernels, batch, parts)[1];
    }

    /// Up to as many tokens as the window has, it is not there; one more, and it is.
    @ParameterizedTest
    @EnumSource(names = {"MISTRAL", "GEMMA3", "PHI3"})
    void window_changesTheResultOnlyWhereItEnds(TinyArchitecture kind) {
        ModelShape narrow = windows(kind.shape(3, 1), 20);
        ModelShape wide = windows(narrow, LayerShape.WHOLE_CONTEXT);
        TinyModel model = new TinyModel(kind, narrow, TensorType.F32, 3);
        TinyModel whole = new TinyModel(kind, wide, TensorType.F32, 3);
        try (Kernels kernels = open(model, 2, "auto");
                Kernels others = open(whole, 2, "auto")) {
            Batch batch = new Batch(TinyModel.LIMITS);
            int[] blocks = TinyModel.blocks(0, 1);
            for (int length : new int[] {20, 21}) {
                float[] windowed = TinyModel.prefill(narrow, kernels, batch, TOKENS, length, blocks, 64);
                float[] all = TinyModel.prefill(wide, others, batch, TOKENS, length, blocks, 64);
                assertEquals(length <= 20, Arrays.equals(windowed, all), "length=" + length);
            }
        }
    }

    private static ModelShape windows(ModelShape shape, int window) {
        return new ModelShape(
                shape.embedding(),
                shape.feedForward(),
                shape.vocabulary(),
                shape.heads(),
                shape.kvHeads(),
                shape.headDim(),
                shape.contextLength(),
                shape.norm(),
                shape.normEpsilon(),
                shape.activation(),
                shape.embeddingScale(),
                shape.attentionScale(),
                shape.ropes(),
                shape.layerShapes().stream()
                        .map(layer -> new LayerShape(window, layer.rope()))
                        .toList());
    }
}
