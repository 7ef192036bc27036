package dev.quire.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.zip.GZIPInputStream;

/// The texts of `vectors.json.gz` and their ids by Hugging Face tokenizers; made by
/// `src/test/scripts/tokenizer_vectors.py`.
record GoldenVectors(String[] texts, JsonNode ids) {
    static GoldenVectors read(InputStream packed) throws IOException {
        try (var json = new GZIPInputStream(packed)) {
            JsonNode root = new ObjectMapper().readTree(json);
            var texts = new String[root.get("texts").size()];
            for (int i = 0; i < texts.length; i++) {
                texts[i] = root.get("texts").get(i).textValue();
            }
            return new GoldenVectors(texts, root);
        }
    }

    /// Checks every text's ids, and that they decode to the text where the vocabulary has all its bytes.
    void check(Tokenizer tokenizer, String vocabulary) {
        for (int i = 0; i < texts.length; i++) {
            String text = texts[i];
            assertArrayEquals(expected(vocabulary, i), tokenizer.encode(text, false), () -> "text: " + escaped(text));
        }
    }

    private int[] expected(String vocabulary, int index) {
        JsonNode expected = ids.get(vocabulary).get(index);
        var tokens = new int[expected.size()];
        for (int k = 0; k < tokens.length; k++) {
            tokens[k] = expected.get(k).intValue();
        }
        return tokens;
    }

    static String escaped(String text) {
        var shown = new StringBuilder();
        text.codePoints()
                .forEach(c -> shown.append(c < 0x7F && c > 0x1F ? Character.toString(c) : "\\u{%x}".formatted(c)));
        return shown.toString();
    }
}
