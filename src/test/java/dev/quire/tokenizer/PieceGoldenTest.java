package dev.quire.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Ids of the sentencepiece package and of Hugging Face tokenizers on 10,000 texts, for small trained vocabularies in
/// GGUF and in Hugging Face's layout; `src/test/scripts/piece_vectors.py` made all files.
class PieceGoldenTest {
    private static JsonNode texts;

    @BeforeAll
    static void readTexts() throws IOException {
        texts = read("texts").get("texts");
    }

    @ParameterizedTest
    @ValueSource(strings = {"spm-llama", "spm-gemma", "spm-collapsed"})
    void encode_gguf_equalsSentencePiece(String kind) throws IOException {
        JsonNode vectors = read(kind);
        byte[] file = base64(vectors, "vocabulary.gguf");
        check(Tokenizer.from(VocabularyFile.metadata(Path.of("vocabulary.gguf"), ByteBuffer.wrap(file))), vectors);
    }

    @Test
    void encode_sentencePieceModel_equalsSentencePiece(@TempDir Path folder) throws IOException {
        JsonNode vectors = read("spm-llama");
        Files.write(folder.resolve("tokenizer.model"), base64(vectors, "tokenizer.model"));
        check(Tokenizer.from(folder), vectors);
    }

    @ParameterizedTest
    @ValueSource(strings = {"hf-llama", "hf-flags", "hf-first", "hf-gemma", "hf-words", "hf-unfused", "hf-dropped"})
    void encode_tokenizerJson_equalsHuggingFace(String kind, @TempDir Path folder) throws IOException {
        JsonNode vectors = read(kind);
        Files.writeString(
                folder.resolve("tokenizer.json"),
                vectors.get("files").get("tokenizer.json").textValue());
        check(Tokenizer.from(folder), vectors);
    }

    private static void check(Tokenizer tokenizer, JsonNode vectors) {
        for (int i = 0; i < texts.size(); i++) {
            String text = texts.get(i).textValue();
            int[] ids = ids(vectors.get("ids").get(i));
            assertArrayEquals(ids, tokenizer.encode(text, false), () -> "text: " + GoldenVectors.escaped(text));
            if (i < vectors.get("special").size()) {
                assertArrayEquals(ids(vectors.get("special").get(i)), tokenizer.encode(text, true));
            }
            if (vectors.has("decoded")) {
                JsonNode decoded = vectors.get("decoded").path(Integer.toString(i));
                assertEquals(decoded.isMissingNode() ? text : decoded.textValue(), tokenizer.decode(ids));
            }
        }
    }

    private static int[] ids(JsonNode array) {
        return array.valueStream().mapToInt(JsonNode::intValue).toArray();
    }

    private static byte[] base64(JsonNode vectors, String name) {
        return Base64.getDecoder().decode(vectors.get("files").get(name).textValue());
    }

    private static JsonNode read(String kind) throws IOException {
        try (var packed = PieceGoldenTest.class.getResourceAsStream("/tokenizer/pieces-" + kind + ".json.gz");
                var json = new GZIPInputStream(packed)) {
            return new ObjectMapper().readTree(json);
        }
    }
}
