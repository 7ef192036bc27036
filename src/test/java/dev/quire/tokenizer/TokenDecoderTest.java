package dev.quire.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.quire.format.ModelMetadata;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenDecoderTest {
    /// One token a byte, token = byte, and a control token.
    private static final int CONTROL = 256;

    private final TokenDecoder decoder = new TokenDecoder(bytesVocabulary());

    @Test
    void next_characterInParts_comesWhole() {
        assertEquals("", next(0xF0));
        assertEquals("", next(0x9F));
        assertEquals("", next(0x99));
        assertEquals("🙂", next(0x82));
        assertEquals("", decoder.finish());
    }

    @Test
    void next_controlTokenInsideACharacter_givesNothingAndKeepsTheBytes() {
        assertEquals("", next(0xC3));
        assertEquals("", next(CONTROL));
        assertEquals("é", next(0xA9));
    }

    @Test
    void next_byteThatEndsNothing_isReplacedAtOnce() {
        assertEquals("\ufffd", next(0x80));
        assertEquals("\ufffd", next(0xFF));
    }

    @Test
    void next_characterBrokenOff_isReplacedWhenTheNextBegins() {
        assertEquals("", next(0xE4));
        assertEquals("\ufffda", next('a'));
    }

    @Test
    void finish_characterBrokenOff_isReplacedOnce() {
        next(0xF0);
        next(0x9F);
        assertEquals("\ufffd", decoder.finish());
        assertEquals("", decoder.finish());
    }

    /// All texts together are what Java's decoder makes of all bytes together; bytes drawn to be nearly UTF-8.
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void randomBytes_streamed_equalTheWhole(long seed) {
        var random = new Random(seed);
        int[] likely = {
            'a', 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xDF, 0xE0, 0xE1, 0xED, 0xEF, 0xF0, 0xF1, 0xF4,
            0xF5, 0xF7, 0xF8, 0xFF, CONTROL
        };
        for (int round = 0; round < 20_000; round++) {
            int[] tokens = random.ints(random.nextInt(12), 0, likely.length)
                    .map(i -> likely[i])
                    .toArray();
            var bytes = new ByteArrayOutputStream();
            var streamed = new StringBuilder();
            for (int token : tokens) {
                streamed.append(next(token));
                if (token != CONTROL) {
                    bytes.write(token);
                }
            }
            streamed.append(decoder.finish());
            assertEquals(bytes.toString(StandardCharsets.UTF_8), streamed.toString(), () -> Arrays.toString(tokens));
        }
    }

    /// The same with a trained vocabulary, whose tokens hold parts of characters and whole words.
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void randomTokens_streamed_equalDecode(long seed) {
        var tokenizer = Tokenizer.from(VocabularyFile.tiny());
        var random = new Random(seed);
        for (int round = 0; round < 300; round++) {
            int[] tokens = random.ints(30, 0, tokenizer.vocabulary())
                    .filter(token -> !tokenizer.isControl(token))
                    .toArray();
            TokenDecoder stream = tokenizer.decoder();
            var streamed = new StringBuilder();
            for (int token : tokens) {
                streamed.append(stream.next(token));
            }
            assertEquals(
                    tokenizer.decode(tokens), streamed.append(stream.finish()).toString());
        }
    }

    private String next(int token) {
        return decoder.next(token);
    }

    private static Vocabulary bytesVocabulary() {
        var alphabet = new ByteAlphabet();
        String[] names = IntStream.rangeClosed(0, CONTROL)
                .mapToObj(token -> token == CONTROL ? "<|im_end|>" : String.valueOf(alphabet.character(token)))
                .toArray(String[]::new);
        long[] types = IntStream.rangeClosed(0, CONTROL)
                .mapToLong(token -> token == CONTROL ? 3 : 1)
                .toArray();
        Map<String, Object> values = Map.of(Vocabulary.TOKENS, names, Vocabulary.TYPES, types);
        return Vocabulary.from(new ModelMetadata(Path.of("m.gguf"), values), Vocabulary.byteLevel(alphabet));
    }
}
