package dev.quire.tokenizer;

import java.io.IOException;
import org.junit.jupiter.api.Test;

/// Ids of Hugging Face tokenizers on a tiny trained vocabulary; `src/test/scripts/tokenizer_vectors.py` made both
/// files.
class TokenizerGoldenTest {
    @Test
    void encode_goldenTexts_equalsHuggingFace() throws IOException {
        try (var packed = TokenizerGoldenTest.class.getResourceAsStream("/tokenizer/vectors.json.gz")) {
            GoldenVectors.read(packed).check(Tokenizer.from(VocabularyFile.tiny()), "tiny");
        }
    }
}
