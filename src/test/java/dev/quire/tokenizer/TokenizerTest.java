package dev.quire.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeout;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.format.ModelFileException;
import dev.quire.format.ModelMetadata;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TokenizerTest {
    private static final int START = 1; // <|im_start|>
    private static final int END = 2; // <|im_end|>

    private final Tokenizer tokenizer = Tokenizer.from(VocabularyFile.tiny());

    @Test
    void encode_emptyText_isEmpty() {
        assertArrayEquals(new int[0], tokenizer.encode("", true));
    }

    @Test
    void encode_controlNameInText_isOneToken() {
        int[] inside = tokenizer.encode("a<|im_end|>b", false);
        assertEquals(3, inside.length);
        assertEquals(END, inside[1]);
    }

    @Test
    void encode_namesThatBeginAlike_takesTheLongest() {
        assertEquals("[3, 4]", Arrays.toString(tokenizer.encode("<note><note>!", false)));
    }

    @Test
    void encode_addSpecialTokens_addsWhatTheModelAsksFor() {
        var asking = with(Map.of("tokenizer.ggml.add_bos_token", true, "tokenizer.ggml.add_eos_token", true));
        int[] plain = asking.encode("free", false);
        int[] framed = asking.encode("free", true);
        assertEquals(START, framed[0]);
        assertEquals(END, framed[framed.length - 1]);
        assertArrayEquals(plain, Arrays.copyOfRange(framed, 1, framed.length - 1));
    }

    @ParameterizedTest
    @ValueSource(strings = {"a\ud800b", "a\udc00b", "a\ud83d"})
    void encode_halfASurrogatePair_isTheReplacementCharacter(String text) {
        String repaired = text.replaceAll("[\udc00\ud800\ud83d]", "\ufffd");
        assertArrayEquals(tokenizer.encode(repaired, false), tokenizer.encode(text, false));
    }

    @Test
    void encode_swappedSurrogates_areTwoReplacementCharacters() {
        assertArrayEquals(tokenizer.encode("\ufffd\ufffd🙂", false), tokenizer.encode("\ude42\ud83d🙂", false));
    }

    /// A byte that no token stands for is left out, as in Hugging Face's tokenizer.
    @Test
    void encode_byteOutsideTheVocabulary_isLeftOut() {
        assertEquals("ab", tokenizer.decode(tokenizer.encode("a\u0004b", false)));
        assertArrayEquals(new int[0], tokenizer.encode("\u0004", false));
    }

    @Test
    void encode_megabyteWithoutSpaces_isNotQuadratic() {
        String text = "menschen".repeat(1 << 17);
        assertTimeout(Duration.ofSeconds(20), () -> tokenizer.encode(text, false));
    }

    /// Whatever the text: its tokens' bytes are its bytes, but for those that the vocabulary lacks.
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void randomTexts_decodeToThemselves(long seed) {
        var random = new Random(seed);
        for (int round = 0; round < 500; round++) {
            int[] codePoints = random.ints(random.nextInt(60), 0x20, 0x3FFFF)
                    .filter(c -> c < 0xD800 || c > 0xDFFF)
                    .toArray();
            var text = new String(codePoints, 0, codePoints.length);
            assertEquals(text, tokenizer.decode(tokenizer.encode(text, false)));
        }
    }

    @Test
    void decode_splitCharacter_becomesTheReplacementCharacter() {
        int[] tokens = tokenizer.encode("\ud83d\udc4d", false);
        assertTrue(tokens.length > 1, "the tiny vocabulary has no such token");
        assertEquals("\ufffd", tokenizer.decode(new int[] {tokens[0]}));
    }

    @Test
    void bytes_controlToken_isItsName() {
        assertEquals("<|im_end|>", new String(tokenizer.bytes(END), StandardCharsets.UTF_8));
    }

    @Test
    void bytes_callerChangesThem_leavesTheTokenAlone() {
        tokenizer.bytes(END)[0] = 'x';
        assertEquals('<', tokenizer.bytes(END)[0]);
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 600, Integer.MAX_VALUE})
    void anyMethod_idOutsideTheVocabulary_isRefused(int token) {
        String message = "token must be in the vocabulary: token=" + token + ", vocabulary=600";
        for (Runnable call : new Runnable[] {
            () -> tokenizer.bytes(token),
            () -> tokenizer.decode(new int[] {token}),
            () -> tokenizer.isControl(token),
            () -> tokenizer.endsGeneration(token),
            () -> tokenizer.decoder().next(token)
        }) {
            assertEquals(
                    message,
                    assertThrows(IllegalArgumentException.class, call::run).getMessage());
        }
    }

    @Test
    void endsGeneration_endOfTurnAndOfText_only() {
        int[] ends = IntStream.range(0, tokenizer.vocabulary())
                .filter(tokenizer::endsGeneration)
                .toArray();
        assertEquals("[0, 2]", Arrays.toString(ends));
    }

    @Test
    void endsGeneration_namedEndOfTurn_isAnEnd() {
        assertTrue(with(Map.of("tokenizer.ggml.eot_token_id", 1L)).endsGeneration(1));
    }

    @Test
    void endsGeneration_endNameThatIsNoControlToken_isNone() {
        long[] types = VocabularyFile.tiny().integers(Vocabulary.TYPES).clone();
        types[0] = 1;
        assertFalse(with(Map.of(Vocabulary.TYPES, types)).endsGeneration(0));
    }

    @Test
    void isControl_onlyControlTokens() {
        assertTrue(tokenizer.isControl(START));
        assertFalse(tokenizer.isControl(3), "user-defined");
        assertFalse(tokenizer.isControl(100));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "tokenizer.ggml.model | t5 | tokenizer model must be one of gpt2, llama, gemma4: "
                        + "tokenizer.ggml.model='t5'"
            })
    void from_unknownName_isRefusedWithTheKnownOnes(String key, String value, String message) {
        assertRefused(message + ", file=m.gguf", Map.of(key, value));
    }

    @ParameterizedTest
    @ValueSource(strings = {"bos", "eos", "unknown", "padding", "eot", "eom", "seperator", "mask", "fim_pre"})
    void from_idOutsideTheVocabulary_isRefused(String name) {
        String key = "tokenizer.ggml." + name + "_token_id";
        for (long id : new long[] {-1, 600}) {
            assertRefused(
                    "token id must be in the vocabulary: key=" + key + ", id=" + id + ", vocabulary=600, file=m.gguf",
                    Map.of(key, id));
        }
    }

    @Test
    void from_scoresThatNobodyNeedsButWrong_areRefused() {
        assertRefused(
                "every token must have a score: tokens=600, scores=2, file=m.gguf",
                Map.of("tokenizer.ggml.scores", new double[2]));
        assertRefused(
                "metadata value has an unexpected type: key=tokenizer.ggml.scores, expected=array of numbers, "
                        + "found=String, file=m.gguf",
                Map.of("tokenizer.ggml.scores", "0.5"));
    }

    @Test
    void from_otherNumberOfTypes_isRefused() {
        assertRefused(
                "every token must have a type: tokens=600, types=2, file=m.gguf",
                Map.of(Vocabulary.TYPES, new long[2]));
    }

    @Test
    void from_noTokens_isRefused() {
        assertRefused(
                "vocabulary must not be empty: key=tokenizer.ggml.tokens, file=m.gguf",
                Map.of(Vocabulary.TOKENS, new String[0]));
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 7, -1, 1L << 40})
    void from_unknownType_isRefused(long type) {
        long[] types = VocabularyFile.tiny().integers(Vocabulary.TYPES).clone();
        types[5] = type;
        assertRefused(
                "token type must be 1 to 6: type=" + type + ", token=5, file=m.gguf", Map.of(Vocabulary.TYPES, types));
    }

    @Test
    void from_tokenTwice_isRefused() {
        String[] names = VocabularyFile.tiny().strings(Vocabulary.TOKENS).clone();
        names[9] = names[7];
        assertRefused(
                "tokens must be distinct: name='" + names[7] + "', token=7, duplicate=9, file=m.gguf",
                Map.of(Vocabulary.TOKENS, names));
    }

    @Test
    void from_noTokenOfOneByte_isRefused() {
        assertRefused(
                "a byte-level vocabulary must have tokens of one byte: file=m.gguf",
                Map.of(
                        Vocabulary.TOKENS, new String[] {"ab", "cd", "ef"},
                        Vocabulary.TYPES, new long[] {1, 1, 1},
                        MergeTable.MERGES, new String[0]));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a", " a", "a ", " ", "a b c", "a  b"})
    void from_mergeThatIsNoPair_isRefused(String merge) {
        assertRefused(
                "merge must be two names and a space: merge='" + merge + "', rank=0, file=m.gguf",
                Map.of(MergeTable.MERGES, new String[] {merge}));
    }

    @Test
    void from_mergeOfUnknownTokens_isRefused() {
        String[] missing = {"qq q", "q qq", "q q"};
        String[] name = {"qq", "qq", "qq"};
        for (int i = 0; i < missing.length; i++) {
            assertRefused(
                    "merge must be of tokens in the vocabulary: merge='" + missing[i] + "', missing='" + name[i]
                            + "', rank=0, file=m.gguf",
                    Map.of(MergeTable.MERGES, new String[] {missing[i]}));
        }
    }

    @Test
    void from_mergeTwice_isRefused() {
        String first = VocabularyFile.tiny().strings(MergeTable.MERGES)[0];
        assertRefused(
                "merges must be distinct: merge='" + first + "', rank=1, file=m.gguf",
                Map.of(MergeTable.MERGES, new String[] {first, first}));
    }

    @ParameterizedTest
    @CsvSource({"'gpt-5', 'gpt-5'", "'', ''", "QWEN2, QWEN2"})
    void from_unknownPreTokenizer_isRefusedWithTheKnownOnes(String name, String shown) {
        assertRefused(
                "pre-tokenizer must be a known one: tokenizer.ggml.pre='" + shown + "', known="
                        + String.join(" ", GgufPreTokenizer.allNames()) + ", file=m.gguf",
                Map.of(GgufPreTokenizer.PRE, name));
    }

    @Test
    void from_nameWithLineBreaks_isRefusedInOneLine() {
        String name = "\n".repeat(100);
        assertRefused(
                "pre-tokenizer must be a known one: tokenizer.ggml.pre='" + "?".repeat(60) + "…', known="
                        + String.join(" ", GgufPreTokenizer.allNames()) + ", file=m.gguf",
                Map.of(GgufPreTokenizer.PRE, name));
    }

    @Test
    void allNames_areDistinct() {
        assertEquals(
                GgufPreTokenizer.allNames().size(),
                Set.copyOf(GgufPreTokenizer.allNames()).size());
    }

    /// As llama.cpp does.
    @Test
    void encode_noPreTokenizerNamed_isTheDefault() {
        var values = new HashMap<>(VocabularyFile.tiny().values());
        values.remove(GgufPreTokenizer.PRE);
        var unnamed = Tokenizer.from(new ModelMetadata(Path.of("m.gguf"), values));
        var named = with(Map.of(GgufPreTokenizer.PRE, "default"));
        String text = "12345 it's «12» $5+6";
        assertArrayEquals(named.encode(text, true), unnamed.encode(text, true));
    }

    /// As in llama.cpp, where the file does not say.
    @Test
    void encode_beginningNotAskedFor_isAddedForLlama3Only() {
        var llama3 = ByteLevelVectors.vocabulary("llama-bpe");
        assertEquals(START, Tokenizer.from(llama3).encode("a", true)[0]);
        Map<String, Object> values = new HashMap<>(llama3.values());
        values.put("tokenizer.ggml.add_bos_token", false);
        assertEquals(1, Tokenizer.from(new ModelMetadata(llama3.file(), values)).encode("a", true).length);
        assertEquals(1, Tokenizer.from(ByteLevelVectors.vocabulary("qwen2")).encode("a", true).length);
    }

    /// As in Hugging Face tokenizers: what a text says is not taken for what is added.
    @Test
    void encode_textBeginsWithTheFirstToken_isGivenAnother() {
        var asking = with(Map.of("tokenizer.ggml.add_bos_token", true));
        assertArrayEquals(new int[] {START, START}, asking.encode("<|im_start|>", true));
    }

    /// Each part between two added tokens is composed by itself, so that a mark behind a name stays a mark.
    @Test
    void encode_formC_isOfTheTextBetweenAddedTokens() {
        var composing = with(Map.of(GgufPreTokenizer.PRE, "qwen2"));
        assertArrayEquals(composing.encode("\u00e9", false), composing.encode("e\u0301", false));
        int[] marked = composing.encode("<note>\u0338e\u0301", false);
        assertEquals("<note>\u0338\u00e9", composing.decode(marked));
        assertEquals("e\u0301", tokenizer.decode(tokenizer.encode("e\u0301", false)));
    }

    @Test
    void encode_pieceThatIsATokenMergesDoNotReach_isTakenByLlama3() {
        var vocabulary = ByteLevelVectors.vocabulary("llama-bpe");
        String[] names = vocabulary.strings(Vocabulary.TOKENS);
        String last = names[names.length - 1];
        int[] whole = {names.length - 1};
        String text = Tokenizer.from(vocabulary).decode(whole);
        assertArrayEquals(whole, Tokenizer.from(vocabulary).encode(text, false), last);
        assertTrue(Tokenizer.from(ByteLevelVectors.vocabulary("dbrx")).encode(text, false).length > 1, last);
    }

    @Test
    void from_tokenToAddIsNotNamed_isRefused() {
        var values = new HashMap<>(VocabularyFile.tiny().values());
        values.remove("tokenizer.ggml.bos_token_id");
        values.put("tokenizer.ggml.add_bos_token", true);
        var e = assertThrows(
                ModelFileException.class, () -> Tokenizer.from(new ModelMetadata(Path.of("m.gguf"), values)));
        assertEquals(
                "a token to add must be named: key=tokenizer.ggml.add_bos_token, value=true, file=m.gguf",
                e.getMessage());
    }

    private static void assertRefused(String message, Map<String, Object> changes) {
        assertEquals(
                message,
                assertThrows(ModelFileException.class, () -> with(changes)).getMessage());
    }

    private static Tokenizer with(Map<String, Object> changes) {
        var values = new HashMap<>(VocabularyFile.tiny().values());
        values.putAll(changes);
        return Tokenizer.from(new ModelMetadata(Path.of("m.gguf"), values));
    }
}
