package dev.quire.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.quire.format.GgufWriter;
import dev.quire.tensor.TensorType;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InspectCommandTest {
    private static final String MODEL = "src/test/resources/models/tiny-llama-q4_1.gguf";

    @TempDir
    Path folder;

    private final CommandRunner runner = new CommandRunner();

    @Test
    void inspect_json_hasStableKeys() throws IOException {
        JsonNode json = json(MODEL);
        assertEquals(
                List.of(
                        "file",
                        "name",
                        "architecture",
                        "file_bytes",
                        "gguf_version",
                        "shape",
                        "rope",
                        "vocabulary",
                        "parameters",
                        "tensors",
                        "tensor_types",
                        "cache"),
                keys(json));
        assertEquals(
                List.of("layers", "heads", "kv_heads", "head_dim", "embedding", "feed_forward", "context_length"),
                keys(json.get("shape")));
        assertTrue(keys(json.get("vocabulary")).contains("pre_tokenizer"));
        assertEquals(
                List.of("bytes_per_token", "block_tokens", "bytes_per_block", "tokens_per_gib"),
                keys(json.get("cache")));
    }

    @Test
    void inspect_json_addsUp() throws IOException {
        JsonNode json = json(MODEL);
        assertEquals(Files.size(Path.of(MODEL)), json.get("file_bytes").asLong());
        JsonNode shape = json.get("shape");
        long token = 2L
                * shape.get("layers").asLong()
                * shape.get("kv_heads").asLong()
                * shape.get("head_dim").asLong()
                * 2;
        assertEquals(token, json.get("cache").get("bytes_per_token").asLong());
        assertEquals(16 * token, json.get("cache").get("bytes_per_block").asLong());
        long tensors = 0;
        long parameters = 0;
        for (JsonNode type : json.get("tensor_types")) {
            tensors += type.get("tensors").asLong();
            parameters += type.get("parameters").asLong();
        }
        assertEquals(json.get("tensors").asLong(), tensors);
        assertEquals(json.get("parameters").asLong(), parameters);
        assertTrue(json.get("tensor_types").has("Q4_1"));
    }

    @Test
    void inspect_everyTensorType_isCounted() throws IOException {
        // A model that only others can run: its figures are shown before that is said.
        var writer = new GgufWriter().string("general.architecture", "other");
        for (TensorType type : TensorType.values()) {
            byte[] rows = new byte[Math.toIntExact(3 * type.rowBytes(2L * type.blockElements()))];
            writer.tensor(type.name(), type, rows, 2L * type.blockElements(), 3);
        }
        Path file = writer.write(folder.resolve("types.gguf"));
        var outcome = runner.run("inspect", file.toString(), "--json");
        assertEquals(1, outcome.status());
        JsonNode totals = new ObjectMapper().readTree(outcome.out()).get("tensor_types");
        assertEquals(TensorType.values().length, totals.size());
        for (TensorType type : TensorType.values()) {
            JsonNode total = totals.get(type.name());
            assertEquals(1, total.get("tensors").asInt());
            assertEquals(6L * type.blockElements(), total.get("parameters").asLong());
            assertEquals(6L * type.blockBytes(), total.get("bytes").asLong());
        }
        assertEquals(1536, totals.get("Q6_K").get("parameters").asLong());
        assertEquals(1260, totals.get("Q6_K").get("bytes").asLong());
    }

    @Test
    void inspect_table_saysTheSame() {
        var outcome = runner.run("inspect", MODEL);
        assertEquals(0, outcome.status(), outcome.err());
        assertTrue(outcome.out().contains("architecture     llama\n"), outcome.out());
        assertTrue(outcome.out().contains("bytes per token"), outcome.out());
        assertFalse(outcome.out().contains("null"), outcome.out());
    }

    /// The same model in a folder has the same numbers, and says how it is stored.
    @Test
    void inspect_folder_saysTheSameAsTheGguf() throws IOException {
        JsonNode folder = json("src/test/resources/folders/tiny-llama-f16");
        JsonNode gguf = json("src/test/resources/models/tiny-llama-f16.gguf");
        for (String key : List.of("architecture", "shape", "rope", "parameters", "tensors", "cache")) {
            if (!key.equals("rope")) {
                assertEquals(gguf.get(key), folder.get(key), key);
            }
        }
        assertEquals(gguf.get("rope").get("base"), folder.get("rope").get("base"));
        assertEquals(gguf.get("rope").get("dimensions"), folder.get("rope").get("dimensions"));
        assertEquals(
                gguf.get("vocabulary").get("tokens"), folder.get("vocabulary").get("tokens"));
        assertTrue(folder.get("vocabulary").get("chat_template").asBoolean());
        assertEquals("safetensors", folder.get("format").asText());
        assertFalse(gguf.has("format"));
        assertEquals(3, folder.get("files").asInt());
        assertFalse(folder.has("gguf_version"));
        assertEquals(
                gguf.get("tensor_types").get("F16"), folder.get("tensor_types").get("F16"));
        var outcome = runner.run("inspect", "src/test/resources/folders/tiny-llama-f16");
        assertTrue(outcome.out().contains("safetensors in 3 files\n"), outcome.out());
        assertFalse(outcome.out().contains("null"), outcome.out());
    }

    @Test
    void inspect_windowAndScaledRope_areShown() {
        String models = "src/test/resources/models/";
        String out = runner.run("inspect", models + "tiny-qwen2-window.gguf").out();
        assertTrue(out.contains("sliding window   24\n"), out);
        assertTrue(out.contains("rope scaling     yarn, factor 4.0, from 64 tokens\n"), out);
        out = runner.run("inspect", models + "tiny-llama3.gguf").out();
        assertTrue(out.contains("rope scaling     llama3\n"), out);
        assertFalse(out.contains("window"), out);
        out = runner.run("inspect", "src/test/resources/folders/tiny-llama3").out();
        assertTrue(out.contains("rope scaling     llama3\n"), out);
    }

    @Test
    void inspect_numbersForEachLayer_areOneWhereTheyAgree() throws IOException {
        Path file = new GgufWriter()
                .string("general.architecture", "other")
                .uint32("other.block_count", 2)
                .uint32("other.attention.head_count", 8)
                .uint32("other.attention.key_length", 16)
                .int32s("other.attention.head_count_kv", 2, 2)
                .int32s("other.feed_forward_length", 5, 7)
                .uint32("other.attention.sliding_window", 0)
                .floats("rope_factors_long.weight", new float[8], 8)
                .write(folder.resolve("layers.gguf"));
        JsonNode json = new ObjectMapper()
                .readTree(runner.run("inspect", file.toString(), "--json").out());
        JsonNode shape = json.get("shape");
        assertEquals(2, shape.get("kv_heads").asInt());
        assertEquals(
                2 * 2 * 2 * 16 * 2, json.get("cache").get("bytes_per_token").asInt());
        assertFalse(shape.has("feed_forward"));
        assertFalse(shape.has("sliding_window"));
        assertEquals("longrope", json.get("rope").get("scaling").asText());
        file = new GgufWriter()
                .string("general.architecture", "other")
                .uint32("other.block_count", 2)
                .uint32("other.attention.head_count", 8)
                .uint32("other.attention.key_length", 16)
                .int32s("other.attention.head_count_kv", 2, 4)
                .write(folder.resolve("different.gguf"));
        json = json(file.toString());
        assertFalse(json.get("shape").has("kv_heads"));
        assertFalse(json.has("cache"));
    }

    @Test
    void inspect_vocabularyOnly_leavesOutWhatIsNotThere() throws IOException {
        Path vocabulary = folder.resolve("vocabulary.gguf");
        try (InputStream in =
                new GZIPInputStream(Files.newInputStream(Path.of("src/test/resources/tokenizer/tiny.gguf.gz")))) {
            Files.copy(in, vocabulary);
        }
        JsonNode json = json(vocabulary.toString());
        assertTrue(json.get("vocabulary").get("tokens").asInt() > 0);
        assertFalse(json.has("cache"));
        assertEquals(0, json.get("tensors").asInt());
        assertTrue(runner.run("inspect", vocabulary.toString()).out().contains("layers           -\n"));
    }

    @Test
    void inspect_notAModel_isOneLine() {
        var outcome = runner.run("inspect", "pom.xml");
        assertEquals(1, outcome.status());
        assertEquals(1, outcome.err().lines().count(), outcome.err());
        assertTrue(outcome.err().contains("file=pom.xml"), outcome.err());
    }

    private JsonNode json(String model) throws IOException {
        var outcome = runner.run("inspect", model, "--json");
        assertEquals(0, outcome.status(), outcome.err());
        return new ObjectMapper().readTree(outcome.out());
    }

    private static List<String> keys(JsonNode node) {
        List<String> keys = new ArrayList<>();
        node.fieldNames().forEachRemaining(keys::add);
        return keys;
    }
}
