package dev.quire.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.quire.format.GgufWriter;
import dev.quire.kernel.CacheType;
import dev.quire.kernel.ReferenceKernels;
import dev.quire.kernel.cpu.CpuKernels;
import dev.quire.tensor.TensorType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Every weight type in every architecture against Hugging Face Transformers. The weights are made from a seed here
/// ({@link GeneratedTensors}) and by `src/test/scripts/make_type_goldens.py`, which computed the logits.
class TypesAndArchitecturesTest {
    /// Largest logit error, relative to the largest logit of the row, from float32 sums of 256 products alone.
    private static final double REFERENCE_TOLERANCE = 3e-5;

    /// The same for kernels that keep keys and values in 16 bits: three times the worst, F32 in llama.
    private static final double NATIVE_TOLERANCE = 4e-3;

    private static final JsonNode GOLDENS = read();

    @TempDir
    Path folder;

    private static JsonNode read() {
        Path path = Path.of("src/test/resources/goldens/types-architectures.json.gz");
        try (var in = new GZIPInputStream(Files.newInputStream(path))) {
            return new ObjectMapper().readTree(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Stream<Arguments> cases() {
        return StreamSupport.stream(GOLDENS.get("cases").spliterator(), false)
                .map(test -> Arguments.of(
                        test.get("architecture").asText(), test.get("type").asText(), test));
    }

    @Test
    void cases_areEveryTypeInEveryArchitecture() {
        long expected = (long) TensorType.values().length * Architecture.values().length;
        assertEquals(
                expected,
                cases().map(test -> test.get()[0] + "/" + TensorType.valueOf((String) test.get()[1]))
                        .distinct()
                        .count());
    }

    @ParameterizedTest(name = "{0} {1}")
    @MethodSource("cases")
    void logits_equalTransformers(String architecture, String type, JsonNode test) {
        JsonNode model = GOLDENS.get("architectures").get(architecture);
        Path file = write(
                architecture,
                TensorType.valueOf(type),
                model,
                test.get("sha256").asText());
        int[] prompt = StreamSupport.stream(model.get("prompt_ids").spliterator(), false)
                .mapToInt(JsonNode::asInt)
                .toArray();
        try (var reference = new LoadedTransformer(file, ReferenceKernels::new)) {
            check(test, reference.logits(prompt, 0), REFERENCE_TOLERANCE);
        }
        try (var cpu = new LoadedTransformer(
                file, (shape, limits) -> CpuKernels.open(shape, limits, 2, "auto", CacheType.F16))) {
            boolean quantised = TensorType.valueOf(type).blockElements() > 1;
            double tolerance = quantised ? TransformerGoldenTest.QUANTISED_TOLERANCE : NATIVE_TOLERANCE;
            check(test, cpu.logits(prompt, 0), tolerance);
            if (quantised) {
                TransformerGoldenTest.checkFirstTokens(file);
            }
        }
    }

    private static void check(JsonNode test, float[][] logits, double tolerance) {
        JsonNode positions = GOLDENS.get("positions");
        for (int i = 0; i < positions.size(); i++) {
            float[] found = logits[positions.get(i).asInt()];
            float[] expected = floats(test.get("logits").get(i));
            float[] sorted = expected.clone();
            Arrays.sort(sorted);
            double largest = Math.max(Math.abs(sorted[0]), Math.abs(sorted[sorted.length - 1]));
            for (int token = 0; token < expected.length; token++) {
                double error = Math.abs(found[token] - expected[token]) / largest;
                assertTrue(error <= tolerance, "position=" + positions.get(i) + " token=" + token + " error=" + error);
            }
            if (sorted[sorted.length - 1] - sorted[sorted.length - 2] > 2 * tolerance * largest) {
                assertEquals(Golden.argmax(expected), Golden.argmax(found), "position=" + positions.get(i));
            }
        }
    }

    /// A GGUF file of the model, whose tensors must be those of the script.
    private Path write(String architecture, TensorType type, JsonNode model, String sha256) {
        var writer = new GgufWriter().string("general.architecture", architecture);
        model.get("metadata").forEach(entry -> {
            String key = entry.get(0).asText();
            switch (entry.get(1).asText()) {
                case "string" -> writer.string(key, entry.get(2).asText());
                case "uint32" -> writer.uint32(key, entry.get(2).asLong());
                case "float32" -> writer.float32(key, (float) entry.get(2).asDouble());
                default -> throw new IllegalStateException("kind must be known: " + entry);
            }
        });
        String[] tokens = IntStream.range(0, model.get("vocabulary").asInt())
                .mapToObj(Integer::toString)
                .toArray(String[]::new);
        writer.strings("tokenizer.ggml.tokens", tokens);
        MessageDigest digest = sha256();
        model.get("tensors").forEach(tensor -> {
            String name = tensor.get(0).asText();
            JsonNode shape = tensor.get(1);
            int rows = shape.size() == 2 ? shape.get(0).asInt() : 1;
            int columns = shape.get(shape.size() - 1).asInt();
            TensorType own = shape.size() == 2 ? type : TensorType.F32;
            byte[] data = new GeneratedTensors(architecture, type, name, own)
                    .bytes(
                            rows * columns,
                            tensor.get(2).asDouble(),
                            tensor.get(3).asDouble());
            digest.update(data);
            writer.tensor(name, own, data, shape.size() == 2 ? new long[] {columns, rows} : new long[] {columns});
        });
        assertEquals(sha256, HexFormat.of().formatHex(digest.digest()), "the bytes of the script");
        model.get("rope").properties().forEach(rope -> {
            float[] factors = floats(rope.getValue());
            writer.floats(rope.getKey(), factors, factors.length);
        });
        return writer.write(folder.resolve(architecture + "-" + type + ".gguf"));
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private static float[] floats(JsonNode array) {
        float[] values = new float[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) array.get(i).asDouble();
        }
        return values;
    }
}
