package dev.quire.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.quire.format.ModelMetadata;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/// The byte-level pipelines as `tokenizer.json` spells them give the ids that Hugging Face tokenizers gave;
/// `src/test/scripts/pipeline_vectors.py` and `byte_level_vectors.py` made the files.
class PipelineGoldenTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final JsonNode PIPELINES = pipelines();

    static final List<String> NAMES =
            PIPELINES.propertyStream().map(Map.Entry::getKey).toList();

    private static String[] texts;

    @TempDir
    private Path folder;

    @BeforeAll
    static void readTexts() {
        texts = ByteLevelVectors.texts();
    }

    @ParameterizedTest
    @FieldSource("NAMES")
    void encode_pipeline_equalsHuggingFace(String name) throws IOException {
        Files.writeString(folder.resolve("tokenizer.json"), tokenizerJson(PIPELINES.get(name)));
        Tokenizer tokenizer = Tokenizer.from(folder);
        int[][] ids = ByteLevelVectors.ids(name, texts.length);
        for (int i = 0; i < texts.length; i++) {
            String text = texts[i];
            assertArrayEquals(ids[i], tokenizer.encode(text, false), () -> "text: " + GoldenVectors.escaped(text));
        }
    }

    private static String tokenizerJson(JsonNode pipeline) throws IOException {
        ModelMetadata metadata = ByteLevelVectors.vocabulary("gpt-2");
        String[] tokens = metadata.strings(Vocabulary.TOKENS);
        long[] types = metadata.integers(Vocabulary.TYPES);
        ObjectNode root = pipeline.deepCopy();
        ObjectNode model = root.putObject("model");
        model.put("type", "BPE");
        model.set("ignore_merges", root.remove("ignore_merges"));
        ObjectNode vocab = model.putObject("vocab");
        ArrayNode added = root.putArray("added_tokens");
        for (int token = 0; token < tokens.length; token++) {
            vocab.put(tokens[token], token);
            if (types[token] != TokenType.NORMAL.number()) {
                added.addObject()
                        .put("id", token)
                        .put("content", tokens[token])
                        .put("special", types[token] == TokenType.CONTROL.number())
                        .put("normalized", false);
            }
        }
        ArrayNode merges = model.putArray("merges");
        for (String merge : metadata.strings(MergeTable.MERGES)) {
            merges.add(merge);
        }
        return JSON.writeValueAsString(root);
    }

    private static JsonNode pipelines() {
        try (var in = PipelineGoldenTest.class.getResourceAsStream("/tokenizer/byte_level/pipelines.json")) {
            return JSON.readTree(in);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }
}
