package dev.quire.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.format.ModelFileException;
import dev.quire.format.ModelMetadata;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A SentencePiece vocabulary in GGUF: blanks, bytes, special tokens, refusals.
class SentencePieceTokenizerTest {
    private static final String[] TOKENS = {
        "<unk>", "<s>", "</s>", "<0xC3>", "<0xA9>", "▁", "a", "b", "▁a", "ab", "▁ab", "[X]", "▁▁", "unused"
    };
    private static final double[] SCORES = {0, 0, 0, 0, 0, -9, -8, -7, -1, -2, -3, 0, 0, 0};
    private static final long[] TYPES = {2, 3, 3, 6, 6, 1, 1, 1, 1, 1, 1, 4, 4, 5};

    @Test
    void encode_text_getsABlankInFront() {
        assertArrayEquals(new int[] {10}, with(Map.of()).encode("ab", false));
        assertArrayEquals(new int[] {}, with(Map.of()).encode("", false));
    }

    @Test
    void encode_withoutSpacePrefix_getsNone() {
        assertArrayEquals(
                new int[] {9},
                with(Map.of("tokenizer.ggml.add_space_prefix", false)).encode("ab", false));
    }

    @Test
    void encode_textBehindASpecialToken_getsNoBlank() {
        assertArrayEquals(new int[] {2, 9}, with(Map.of()).encode("</s>ab", false));
        assertArrayEquals(new int[] {11, 9, 11, 8}, with(Map.of()).encode("[X]ab[X] a", false));
    }

    @Test
    void encode_blanksAndMarks_areTheSameToUserDefinedTokens() {
        Tokenizer tokenizer = with(Map.of("tokenizer.ggml.add_space_prefix", false));
        for (String blanks : new String[] {"  ", "▁▁", " ▁", "▁ "}) {
            assertArrayEquals(new int[] {12, 6}, tokenizer.encode(blanks + "a", false));
        }
    }

    @Test
    void encode_characterThatIsMissing_becomesItsBytes() {
        assertArrayEquals(new int[] {5, 3, 4, 7}, with(Map.of()).encode("éb", false));
    }

    @Test
    void encode_byteThatIsMissing_isUnknownOnce() {
        assertArrayEquals(new int[] {5, 0, 7, 0}, with(Map.of()).encode("èèb中中", false));
    }

    @Test
    void encode_surrounded_bosByDefaultAndEosOnDemand() {
        assertArrayEquals(new int[] {1, 8}, with(Map.of()).encode("a", true));
        assertArrayEquals(
                new int[] {8, 2},
                with(Map.of("tokenizer.ggml.add_bos_token", false, "tokenizer.ggml.add_eos_token", true))
                        .encode("a", true));
    }

    @Test
    void encode_extraBlanks_goIfTheFileSaysSo() {
        Tokenizer tokenizer = with(Map.of("tokenizer.ggml.remove_extra_whitespaces", true));
        assertArrayEquals(new int[] {8, 8}, tokenizer.encode("  a   a ", false));
    }

    @Test
    void encode_phi3_specialTokensTakeTheBlanksBehindThem() {
        assertArrayEquals(
                new int[] {11, 9}, with(Map.of("general.name", "Phi-3 mini")).encode("[X] \n ab", false));
        assertArrayEquals(
                new int[] {1, 8}, with(Map.of("general.name", "Phi-3 mini")).encode("<s> a", false));
    }

    @Test
    void decode_text_losesTheBlankInFront() {
        assertEquals("ab é", with(Map.of()).decode(new int[] {10, 5, 3, 4}));
        assertEquals("<s> a", with(Map.of()).decode(new int[] {1, 8}));
        assertEquals(
                " a", with(Map.of("tokenizer.ggml.add_space_prefix", false)).decode(new int[] {8}));
    }

    @Test
    void decoder_continuesAPrompt_keepsTheBlank() {
        TokenDecoder decoder = with(Map.of()).decoder();
        assertEquals(" a", decoder.next(8));
        assertEquals("", decoder.next(3));
        assertEquals("", decoder.next(1));
        assertEquals("é", decoder.next(4));
        assertEquals("  ", decoder.next(12));
        assertEquals("<unk>", decoder.next(0));
    }

    @Test
    void endsGeneration_defaultEos() {
        assertTrue(with(Map.of()).endsGeneration(2));
        assertFalse(with(Map.of()).endsGeneration(1));
    }

    @Test
    void from_scoresOfAnotherLength_areRefused() {
        assertRefused(
                "every token must have a score: tokens=14, scores=13, file=m.gguf",
                Map.of(GgufTokenizer.SCORES, new double[13]));
    }

    @Test
    void from_scoreThatIsNoNumber_isRefused() {
        double[] scores = SCORES.clone();
        scores[6] = Double.NaN;
        assertRefused(
                "score must be a number: score=NaN, token=6, name='a', file=m.gguf",
                Map.of(GgufTokenizer.SCORES, scores));
    }

    @Test
    void from_scoresOfAnotherType_areRefused() {
        assertRefused(
                "metadata value has an unexpected type: key=tokenizer.ggml.scores, expected=array of numbers, "
                        + "found=long[], file=m.gguf",
                Map.of(GgufTokenizer.SCORES, new long[14]));
    }

    @Test
    void from_byteTokenWithAnotherName_isRefused() {
        long[] types = TYPES.clone();
        types[6] = 6;
        assertRefused(
                "byte token must be named <0x00> to <0xFF>: name='a', token=6, file=m.gguf",
                Map.of(Vocabulary.TYPES, types));
    }

    @Test
    void from_nameTwice_isRefused() {
        String[] tokens = TOKENS.clone();
        tokens[7] = "a";
        assertRefused(
                "tokens must be distinct: name='a', token=6, duplicate=7, file=m.gguf",
                Map.of(Vocabulary.TOKENS, tokens));
    }

    @Test
    void from_normalizationTable_isRefused() {
        assertRefused(
                "text must need no normalization: key=tokenizer.ggml.precompiled_charsmap, bytes=3, file=m.gguf",
                Map.of("tokenizer.ggml.precompiled_charsmap", new long[3]));
    }

    @ParameterizedTest
    @ValueSource(strings = {"t5", "bert", "rwkv", "plamo2", ""})
    void from_anotherModel_isRefusedWithTheKnownOnes(String model) {
        assertRefused(
                "tokenizer model must be one of gpt2, llama, gemma4: tokenizer.ggml.model='" + model + "', file=m.gguf",
                Map.of(GgufTokenizer.MODEL, model));
    }

    /// The same vocabulary by ranks of pairs.
    @Test
    void from_gemma4_mergesByRank() {
        Tokenizer tokenizer = with(Map.of(
                GgufTokenizer.MODEL,
                "gemma4",
                MergeTable.MERGES,
                new String[] {"a b", "▁ ab", "▁ a"},
                "tokenizer.ggml.bos_token_id",
                1L));
        assertArrayEquals(new int[] {1, 9, 10, 3, 4}, tokenizer.encode("ab abé", true));
    }

    private static void assertRefused(String message, Map<String, Object> changes) {
        assertEquals(
                message,
                assertThrows(ModelFileException.class, () -> with(changes)).getMessage());
    }

    private static Tokenizer with(Map<String, Object> changes) {
        Map<String, Object> values = new HashMap<>(Map.of(
                GgufTokenizer.MODEL,
                "llama",
                Vocabulary.TOKENS,
                TOKENS,
                GgufTokenizer.SCORES,
                SCORES,
                Vocabulary.TYPES,
                TYPES));
        values.putAll(changes);
        return Tokenizer.from(new ModelMetadata(Path.of("m.gguf"), values));
    }
}
