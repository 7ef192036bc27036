package dev.quire.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.kernel.CacheType;
import dev.quire.kernel.Kernels;
import dev.quire.kernel.ReferenceKernels;
import dev.quire.kernel.cpu.CpuKernels;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// The forward pass over folders that Transformers wrote, against Transformers and against the same weights in GGUF.
/// Made by `src/test/scripts/make_folders.py`.
class FolderGoldenTest {
    /// With the weights of the GGUF file of the same name, and its reference outputs.
    private static final List<String> TWINS =
            List.of("tiny-llama-f16", "tiny-llama3", "tiny-qwen2", "tiny-qwen3", "tiny-phi3-longrope");

    private static final List<String> OTHERS =
            List.of("small-mistral", "small-qwen2-yarn", "small-gemma3", "small-phi3", "small-gpt2");

    /// Of the native kernels on the others, which are half as wide as the models that its usual tolerance is for: the
    /// roundings of keys and values to 16 bits average out less, by √2 (4.7e-3 was seen, with BF16 weights and with
    /// the same ones in F32).
    private static final double NARROW_TOLERANCE = TransformerGoldenTest.NATIVE_TOLERANCE * Math.sqrt(2);

    /// Not Llama's: its GGUF has the rows of queries and keys in another order, and sums over a head in that order.
    static Stream<Arguments> equalTwins() {
        return onBothBackends(
                TWINS.stream().filter(name -> !name.contains("llama")).toList());
    }

    static Stream<Arguments> folders() {
        return onBothBackends(Stream.concat(TWINS.stream(), OTHERS.stream()).toList());
    }

    private static Stream<Arguments> onBothBackends(List<String> names) {
        return names.stream()
                .flatMap(name -> Stream.of("reference", "cpu").map(backend -> Arguments.of(name, backend)));
    }

    private static LoadedTransformer load(String path, String backend, OptionalInt contextLength) {
        return new LoadedTransformer(Path.of("src/test/resources/" + path), contextLength, (shape, limits) -> {
            Kernels kernels = backend.equals("reference")
                    ? new ReferenceKernels(shape, limits)
                    : CpuKernels.open(shape, limits, 2, "auto", CacheType.F16);
            return kernels;
        });
    }

    @ParameterizedTest
    @MethodSource("folders")
    void logitsAndGreedyTokens_equalTransformers(String name, String backend) {
        double tolerance = backend.equals("reference")
                ? TransformerGoldenTest.REFERENCE_TOLERANCE
                : TWINS.contains(name) ? TransformerGoldenTest.NATIVE_TOLERANCE : NARROW_TOLERANCE;
        List<Golden> goldens =
                Golden.read(TWINS.contains(name) ? "/models/" + name + ".json" : "/folders/" + name + "/expected.json");
        assertTrue(goldens.size() >= 3);
        Map<OptionalInt, List<Golden>> byContext =
                goldens.stream().collect(Collectors.groupingBy(Golden::contextLength));
        byContext.forEach((contextLength, prompts) -> {
            try (LoadedTransformer model = load("folders/" + name, backend, contextLength)) {
                for (Golden golden : prompts) {
                    int[] prompt = golden.promptIds();
                    float[][] logits = model.logits(golden.teacherForced(), prompt.length - 1);
                    TransformerGoldenTest.checkLogits(golden, logits[0], tolerance);
                    TransformerGoldenTest.checkGreedy(golden, logits, tolerance);
                }
            }
        });
    }

    @ParameterizedTest
    @MethodSource("equalTwins")
    void logits_equalThoseOfTheGguf_bitForBit(String name, String backend) {
        int[] tokens = Golden.read("/models/" + name + ".json").getLast().promptIds();
        try (LoadedTransformer folder = load("folders/" + name, backend, OptionalInt.empty());
                LoadedTransformer gguf = load("models/" + name + ".gguf", backend, OptionalInt.empty())) {
            float[][] expected = gguf.logits(tokens, Math.max(0, tokens.length - 30));
            assertArrayEquals(expected, folder.logits(tokens, Math.max(0, tokens.length - 30)));
        }
    }
}
