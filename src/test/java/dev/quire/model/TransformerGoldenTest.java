package dev.quire.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.kernel.ActivationRounding;
import dev.quire.kernel.BatchLimits;
import dev.quire.kernel.CacheType;
import dev.quire.kernel.Kernels;
import dev.quire.kernel.LogitErrors;
import dev.quire.kernel.ModelShape;
import dev.quire.kernel.ReferenceKernels;
import dev.quire.kernel.cpu.CpuKernels;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// The forward pass against Hugging Face Transformers on tiny models of every architecture and of Llama's usual weight
/// types. Reference outputs were made by `src/test/scripts/make_fixtures.py` and `make_architectures.py`.
class TransformerGoldenTest {
    /// Largest logit error, relative to the largest logit of the row: float32 sums of up to 96 products through two
    /// layers stay within it; an error in RoPE, masking, grouping or packing is orders of magnitude larger.
    static final double REFERENCE_TOLERANCE = 2e-4;

    /// The native kernels keep keys and values in 16 bits.
    static final double NATIVE_TOLERANCE = 4e-3;

    /// And round activations to 8 bits for quantised weights: twice the worst seen, 5.3e-2. That they do no more than
    /// this, {@link #checkFirstTokens} has to show.
    static final double QUANTISED_TOLERANCE = 0.11;

    private static final List<String> MODELS = List.of(
            "tiny-llama-f32",
            "tiny-llama-f16",
            "tiny-llama-q8_0",
            "tiny-llama-q4_1",
            "tiny-llama-untied",
            "tiny-llama3",
            "tiny-llama-linear",
            "tiny-llama-yarn",
            "tiny-llama-biases",
            "tiny-mistral",
            "tiny-qwen2",
            "tiny-qwen2-window",
            "tiny-qwen3",
            "tiny-gemma3",
            "tiny-phi3",
            "tiny-phi3-longrope",
            "tiny-gpt2");

    static Stream<Arguments> models() {
        return MODELS.stream()
                .flatMap(name -> Stream.of("reference", "cpu").map(backend -> Arguments.of(name, backend)));
    }

    private static LoadedTransformer load(String name, String backend, OptionalInt contextLength) {
        return new LoadedTransformer(
                path(name),
                contextLength,
                backend.equals("reference") ? ReferenceKernels::new : TransformerGoldenTest::cpu);
    }

    private static Path path(String name) {
        return Path.of("src/test/resources/models/" + name + ".gguf");
    }

    private static Kernels cpu(ModelShape shape, BatchLimits limits) {
        return CpuKernels.open(shape, limits, 2, "auto", CacheType.F16);
    }

    @ParameterizedTest
    @MethodSource("models")
    void logitsAndGreedyTokens_equalTransformers(String name, String backend) {
        List<Golden> goldens = Golden.read("/models/" + name + ".json");
        assertTrue(goldens.size() >= 3);
        Map<OptionalInt, List<Golden>> byContext =
                goldens.stream().collect(Collectors.groupingBy(Golden::contextLength));
        byContext.forEach((contextLength, prompts) -> {
            try (LoadedTransformer model = load(name, backend, contextLength)) {
                double tolerance = tolerance(backend, model);
                for (Golden golden : prompts) {
                    int[] prompt = golden.promptIds();
                    float[][] logits = model.logits(golden.teacherForced(), prompt.length - 1);
                    checkLogits(golden, logits[0], tolerance);
                    checkGreedy(golden, logits, tolerance);
                }
            }
        });
    }

    private static double tolerance(String backend, LoadedTransformer model) {
        if (backend.equals("reference")) {
            return REFERENCE_TOLERANCE;
        }
        return isQuantised(model) ? QUANTISED_TOLERANCE : NATIVE_TOLERANCE;
    }

    private static boolean isQuantised(LoadedTransformer model) {
        return model.file().tensors().stream().anyMatch(tensor -> tensor.type().blockElements() > 1);
    }

    /// The native kernels on sequences of one token against the reference that rounds as they do.
    @ParameterizedTest
    @ValueSource(
            strings = {
                "tiny-llama-q8_0",
                "tiny-llama-q4_1",
                "tiny-llama-linear",
                "tiny-llama-yarn",
                "tiny-llama-biases",
                "tiny-mistral",
                "tiny-qwen2-window",
                "tiny-gemma3",
                "tiny-phi3",
                "tiny-gpt2"
            })
    void firstTokens_quantisedWeights_equalReferenceButForSums(String name) {
        checkFirstTokens(path(name));
    }

    static void checkFirstTokens(Path path) {
        LogitErrors errors = new LogitErrors();
        try (LoadedTransformer cpu = new LoadedTransformer(path, TransformerGoldenTest::cpu);
                LoadedTransformer reference = new LoadedTransformer(
                        path,
                        (shape, limits) -> new ReferenceKernels(
                                shape, limits, CacheType.F16, ActivationRounding.INT8_WITH_OUTLIERS))) {
            assertTrue(isQuantised(cpu));
            for (int token = 3; token < 27; token++) {
                int[] one = {token};
                errors.add(reference.logits(one, 0)[0], cpu.logits(one, 0)[0]);
            }
        }
        errors.assertMostEqual(path.toString());
    }

    static void checkLogits(Golden golden, float[] logits, double tolerance) {
        float[] expected = golden.logits();
        assertEquals(expected.length, logits.length);
        double largest = 0;
        for (float logit : expected) {
            largest = Math.max(largest, Math.abs(logit));
        }
        for (int token = 0; token < logits.length; token++) {
            double error = Math.abs(logits[token] - expected[token]) / largest;
            assertTrue(error <= tolerance, golden + " token=" + token + " error=" + error);
        }
    }

    /// Three of four greedy choices, and every one that is clearer than twice the tolerance, or for quantised weights,
    /// whose tolerance is wide, than the tolerance (5.7e-2 was the clearest to change, and 4 of 32 the most).
    static void checkGreedy(Golden golden, float[][] logits, double tolerance) {
        int[] greedy = golden.greedyIds();
        float[] margins = golden.margins();
        assertEquals(greedy.length, logits.length);
        double clear = Math.min(2 * tolerance, QUANTISED_TOLERANCE);
        int equal = 0;
        for (int i = 0; i < greedy.length; i++) {
            int best = Golden.argmax(logits[i]);
            if (margins[i] > clear * Math.abs(logits[i][best])) {
                assertEquals(greedy[i], best, golden + " step=" + i);
            }
            equal += greedy[i] == best ? 1 : 0;
        }
        assertTrue(equal >= greedy.length * 3 / 4, golden + " equal=" + equal);
    }

    /// One token at a time gives the bits that one step over all tokens gives.
    @ParameterizedTest
    @MethodSource("models")
    void decoding_equalsPrefill_bitForBit(String name, String backend) {
        List<Golden> goldens = Golden.read("/models/" + name + ".json");
        try (LoadedTransformer model = load(name, backend, OptionalInt.empty())) {
            int[] tokens = goldens.getLast().teacherForced();
            int first = Math.max(0, tokens.length - 40);
            float[][] atOnce = model.logits(tokens, first);
            model.logits(Arrays.copyOf(tokens, first), Math.max(0, first - 1));
            for (int length = first + 1; length <= tokens.length; length++) {
                float[][] one = model.logits(Arrays.copyOf(tokens, length), length - 1, length - 1);
                assertArrayEquals(atOnce[length - 1 - first], one[0], "position=" + (length - 1));
            }
        }
    }
}
