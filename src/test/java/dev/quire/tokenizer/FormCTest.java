package dev.quire.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTimeout;

import java.nio.charset.StandardCharsets;
import java.text.Normalizer;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Short texts are held against Hugging Face's normalizer by the vectors of qwen2, command-r and mpt.
class FormCTest {
    /// Marks that Unicode 9 knows: of classes 230, 220, 1, 240, 9, 0 and such as have decompositions.
    private static final String MARKS =
            "\u0301\u0300\u0308\u0323\u0327\u0334\u0345\u094d\u093c\u0344\u0340\u034f\u3099\u09be\u0bbe";

    @ParameterizedTest
    @CsvSource({
        "e\u0301, \u00e9",
        "\u212b, \u00c5",
        "\u1112\u1161\u11ab, 한",
        "a\u0301\u0323, \u1ea1\u0301",
        "\u0958, \u0915\u093c",
        "abc, abc",
        "\ufb01, \ufb01"
    })
    void compose_text_isFormC(String text, String composed) {
        assertEquals(composed, compose(text));
    }

    /// U+1ABF is of class 220 since Unicode 13, U+105D2 and U+0307 make U+105C9 since 16.
    @ParameterizedTest
    @ValueSource(strings = {"x\u0315\u1abf", "\ud801\uddd2\u0307", "\ud805\udd1e\ud805\udd1e", "a\u1abf\u0301"})
    void compose_charactersSinceUnicode9_areLeftAlone(String text) {
        assertEquals(text, compose(text));
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void compose_longRunsOfMarks_agreesWithInsertion(long seed) {
        var random = new Random(seed);
        for (int round = 0; round < 100; round++) {
            var text = new StringBuilder();
            for (int run = 0; run < 3; run++) {
                text.append("aeÅ क한".charAt(random.nextInt(6)));
                for (int i = random.nextInt(150); i > 0; i--) {
                    text.append(MARKS.charAt(random.nextInt(MARKS.length())));
                }
            }
            assertEquals(Normalizer.normalize(text, Normalizer.Form.NFC), compose(text.toString()));
        }
    }

    /// By insertion half a million marks of two classes would take 10^11 steps.
    @Test
    void compose_hugeRunOfMarks_isNotQuadratic() {
        String run = "a" + "\u0301\u0323".repeat(1 << 18);
        assertTimeout(
                Duration.ofSeconds(20),
                () -> assertEquals("\u1ea1" + "\u0323".repeat((1 << 18) - 1) + "\u0301".repeat(1 << 18), compose(run)));
    }

    @Test
    void compose_partOfAText_isThatPart() {
        byte[] text = "e\u0301e\u0301".getBytes(StandardCharsets.UTF_8);
        assertArrayEquals("\u00e9".getBytes(StandardCharsets.UTF_8), FormC.compose(text, 3, 6));
    }

    private static String compose(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        String composed = new String(FormC.compose(bytes, 0, bytes.length), StandardCharsets.UTF_8);
        if (FormC.isComposed(bytes, 0, bytes.length)) {
            assertEquals(text, composed);
        }
        return composed;
    }
}
