package dev.quire.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Ids of Hugging Face tokenizers for each pre-tokenizer, with a vocabulary whose merges cross all cuts;
/// `src/test/scripts/byte_level_vectors.py` made the files.
class ByteLevelGoldenTest {
    private static String[] texts;

    @BeforeAll
    static void read() {
        texts = ByteLevelVectors.texts();
    }

    @Test
    void texts_areTenThousandOrMore() {
        assertTrue(texts.length >= 10_000);
    }

    @ParameterizedTest
    @EnumSource
    void encode_goldenTexts_equalsHuggingFace(GgufPreTokenizer preTokenizer) {
        String name = preTokenizer.names().getFirst();
        Tokenizer tokenizer = Tokenizer.from(ByteLevelVectors.vocabulary(name));
        int[][] ids = ByteLevelVectors.ids(name, texts.length);
        for (int i = 0; i < texts.length; i++) {
            String text = texts[i];
            assertArrayEquals(ids[i], tokenizer.encode(text, false), () -> "text: " + GoldenVectors.escaped(text));
        }
    }

    /// Whatever the pattern: a text that it cannot cut, or cuts everywhere, takes no square of its length. 100,000
    /// squared would take far longer than the limit, which is there for a busy machine.
    @ParameterizedTest
    @EnumSource
    void encode_longMonotony_isNotQuadratic(GgufPreTokenizer preTokenizer) {
        Tokenizer tokenizer =
                Tokenizer.from(ByteLevelVectors.vocabulary(preTokenizer.names().getFirst()));
        List<String> parts = List.of(
                "a",
                "A",
                "Ab",
                " ",
                "\n",
                " \n",
                "\r ",
                "1",
                "'",
                "'S",
                "!",
                "中",
                "가",
                "\u1100\u1161",
                "👍",
                "\u0301\u0323",
                "a\u0301",
                "\t",
                "ab",
                "1 ",
                "_",
                "\u00a0");
        assertTimeout(Duration.ofSeconds(30), () -> {
            for (String part : parts) {
                tokenizer.encode("x" + part.repeat(100_000) + "x", false);
            }
        });
    }
}
