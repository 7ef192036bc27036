package dev.quire.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
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
    void inspect_table_saysTheSame() {
        var outcome = runner.run("inspect", MODEL);
        assertEquals(0, outcome.status(), outcome.err());
        assertTrue(outcome.out().contains("architecture     llama\n"), outcome.out());
        assertTrue(outcome.out().contains("bytes per token"), outcome.out());
        assertFalse(outcome.out().contains("null"), outcome.out());
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
