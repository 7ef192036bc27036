package dev.quire.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.format.ModelFileException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Folders in Hugging Face's layout: what each file says, and what is refused.
class HuggingFaceTokenizerTest {
    private static final String PIECES = """
            {
              "added_tokens": [
                {"id": 0, "content": "<s>", "special": true, "normalized": false},
                {"id": 7, "content": "[X]", "special": false, "normalized": false}
              ],
              "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
              "pre_tokenizer": null,
              "post_processor": {
                "type": "TemplateProcessing",
                "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}],
                "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}}
              },
              "decoder": null,
              "model": {
                "type": "BPE", "unk_token": "<unk>", "fuse_unk": true, "byte_fallback": true,
                "vocab": {"<s>": 0, "<unk>": 1, "▁": 2, "a": 3, "b": 4, "ab": 5, "▁ab": 6},
                "merges": ["a b", ["▁", "ab"]]
              }
            }
            """;

    @TempDir
    private Path folder;

    @Test
    void read_tokenizerJson_mergesByRank() throws IOException {
        Tokenizer tokenizer = read(PIECES);
        assertEquals(8, tokenizer.vocabulary());
        assertArrayEquals(new int[] {5, 6, 7, 1}, tokenizer.encode("ab ab[X]éé", false));
        assertArrayEquals(new int[] {0, 5}, tokenizer.encode("ab", true));
        assertEquals(" ab", tokenizer.decode(new int[] {6}));
        assertTrue(tokenizer.isControl(0));
        assertFalse(tokenizer.isControl(7));
    }

    @Test
    void read_tokenizerConfig_saysWhatIsAdded() throws IOException {
        write(
                "tokenizer_config.json",
                "{\"add_bos_token\": false, \"add_eos_token\": true, \"eos_token\": {\"content\": \"[X]\"}}");
        Tokenizer tokenizer = read(PIECES);
        assertArrayEquals(new int[] {5, 7}, tokenizer.encode("ab", true));
        assertTrue(tokenizer.endsGeneration(7));
    }

    @Test
    void read_addedTokensDecoder_addsAndOverrides() throws IOException {
        write("tokenizer_config.json", """
                {"added_tokens_decoder": {
                  "7": {"content": "[X]", "special": true, "rstrip": true},
                  "9": {"content": "[Y]", "special": false}}}
                """);
        Tokenizer tokenizer = read(PIECES);
        assertArrayEquals(new int[] {7, 3, 9}, tokenizer.encode("[X]  a[Y]", false));
        assertTrue(tokenizer.isControl(7));
        assertEquals(10, tokenizer.vocabulary());
    }

    @Test
    void read_modelHasMoreRowsThanTokens_vocabularyHasAsMany() throws IOException {
        write("config.json", "{\"vocab_size\": 16, \"eos_token_id\": 3}");
        Tokenizer tokenizer = read(PIECES);
        assertEquals(16, tokenizer.vocabulary());
        assertEquals("[PAD15]", tokenizer.decode(new int[] {15}));
        assertTrue(tokenizer.endsGeneration(3));
    }

    @Test
    void read_generationConfig_saysWhereAnswersEnd() throws IOException {
        write("generation_config.json", "{\"eos_token_id\": [4, 5]}");
        write("config.json", "{\"eos_token_id\": 3}");
        Tokenizer tokenizer = read(PIECES);
        assertArrayEquals(
                new int[] {4, 5},
                IntStream.range(0, 8).filter(tokenizer::endsGeneration).toArray());
    }

    @Test
    void read_nothing_isRefused() {
        assertEquals(
                "folder must have tokenizer.json, tokenizer.model, or vocab.json and merges.txt: folder=" + folder,
                assertThrows(ModelFileException.class, () -> Tokenizer.from(folder))
                        .getMessage());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "\"BPE\" | \"Unigram\" | tokenizer model must be BPE: type='Unigram'",
                "\"BPE\" | \"WordPiece\" | tokenizer model must be BPE: type='WordPiece'",
                "\"BPE\" | 3 | value must be a string: found=number '3', field=model.type",
                "\"Replace\" | \"Lowercase\" | normalizer must be NFC, Prepend of ▁, Replace of a blank by ▁, in this "
                        + "order: type='Lowercase', field=normalizer",
                "\"pre_tokenizer\": null | \"pre_tokenizer\": {\"type\": \"BertPreTokenizer\"} | pre-tokenizer must be "
                        + "ByteLevel, Metaspace or, where blanks are replaced, Split at blanks: "
                        + "type='BertPreTokenizer', field=pre_tokenizer",
                "\"decoder\": null | \"decoder\": {\"type\": \"CTC\"} | decoder must be ByteLevel, Metaspace, or "
                        + "Replace of ▁ by a blank, ByteFallback, Fuse and Strip of a blank: type='CTC', field=decoder",
                "\"TemplateProcessing\" | \"Other\" | post-processor must be one of ByteLevel, TemplateProcessing, "
                        + "BertProcessing, RobertaProcessing, Sequence: type='Other', field=post_processor",
                "\"a b\" | \"a c\" | merge must be of tokens in the vocabulary: merge='a c', missing='c', rank=0",
                "\"a b\" | \"a b c\" | merge must be two names: rank=0, line=17",
                "\"a\": 3 | \"a\": 4 | token ids must be distinct: id=4, name='a', duplicate='b'",
                "\"a\": 3 | \"b\": 3 | tokens must be distinct: name='b', token=3, duplicate=4",
                "\"a\": 3 | \"a\": -3 | vocabulary must have names in Unicode and ids from 0: name='a', id=-3",
                "\"a\": 3 | \"a\": 2000000000 | token ids must leave few gaps: tokens=8, largest=2000000000, "
                        + "vocab_size=0",
                "\"a\": 3 | \"a\": 1.5 | file must have an id for each token: found=VALUE_NUMBER_FLOAT, line=16, "
                        + "column=53",
                "\"id\": 7 | \"id\": 3.5 | value must be an integer from 0: found=number '3.5', "
                        + "field=added_tokens[1].id",
                "{\"id\": 0, \"content\": \"<s>\" | {\"id\": 2, \"content\": \"<s>\" | added token must have the "
                        + "vocabulary's id: name='<s>', id=2, vocabulary=0, field=added_tokens[0]",
                "\"ids\": [0] | \"ids\": [8] | token id must be in the vocabulary: key=post_processor, id=8, "
                        + "vocabulary=8",
                "\"unk_token\": \"<unk>\" | \"unk_token\": \"<x>\" | unknown token must be in the vocabulary: "
                        + "unk_token='<x>'"
            })
    void read_changedFile_isRefusedInOneLine(String part, String change, String message) {
        assertTrue(PIECES.contains(part));
        assertRefused(message, PIECES.replace(part, change));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "[]", "{", "{\"model\": 3}", "{} {}", "nul"})
    void read_notAnObject_isRefusedWithThePlace(String json) {
        String message =
                assertThrows(ModelFileException.class, () -> read(json)).getMessage();
        assertEquals(1, message.lines().count());
        assertTrue(message.endsWith("file=" + folder.resolve("tokenizer.json")), message);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"config.json", "generation_config.json", "tokenizer_config.json", "special_tokens_map.json"})
    void read_emptyFileBesideIt_isRefusedInOneLine(String name) throws IOException {
        write("config.json", "{}");
        write(name, "");
        assertEquals(
                "value must be an object: found=nothing, file=" + folder.resolve(name),
                assertThrows(ModelFileException.class, () -> read(PIECES)).getMessage());
    }

    @Test
    void read_deeplyNested_isRefused() {
        assertTrue(assertThrows(ModelFileException.class, () -> read("{\"x\": " + "[".repeat(100_000)))
                .getMessage()
                .startsWith("file must be JSON: reason='Document nesting depth"));
    }

    /// Whatever a byte becomes, the file is read or refused in one line.
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void randomBytes_areReadOrRefused(long seed) throws IOException {
        var random = new Random(seed);
        byte[] good = PIECES.getBytes(StandardCharsets.UTF_8);
        for (int round = 0; round < 300; round++) {
            byte[] bad = good.clone();
            for (int i = 0; i <= random.nextInt(3); i++) {
                bad[random.nextInt(bad.length)] = (byte) "\"{}[]:,0129ab\\ \u00ff".charAt(random.nextInt(16));
            }
            Files.write(folder.resolve("tokenizer.json"), bad);
            try {
                Tokenizer.from(folder).encode("ab [X] é", true);
            } catch (ModelFileException e) {
                assertEquals(1, e.getMessage().lines().count(), e.getMessage());
            }
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{\"type\": \"Split\", \"pattern\": {\"Regex\": \"(?<=a)b\"}, \"behavior\": \"Isolated\"} | pattern must "
                        + "be one that can be followed: pattern='(?<=a)b', reason=",
                "{\"type\": \"Split\", \"pattern\": {\"String\": \"a\"}, \"behavior\": \"Away\"} | pieces must be "
                        + "Isolated, Removed, Contiguous, MergedWithPrevious or MergedWithNext, inverted only the first "
                        + "two: behavior='Away', invert=false, field=pre_tokenizer.pretokenizers[0]",
                "{\"type\": \"Whitespace\"} | pre-tokenizer must be ByteLevel, Split, Digits or Punctuation: "
                        + "type='Whitespace', field=pre_tokenizer.pretokenizers[0]"
            })
    void read_unknownStepBeforeByteLevel_isRefusedByName(String step, String message) {
        String found = assertThrows(ModelFileException.class, () -> read(byteLevel(step + ", ", false)))
                .getMessage();
        assertEquals(1, found.lines().count());
        assertTrue(found.startsWith(message), found);
    }

    @Test
    void read_literalPattern_cutsThere() throws IOException {
        String step = "{\"type\": \"Split\", \"pattern\": {\"String\": \"a.\"}, \"behavior\": \"Isolated\"}, ";
        assertArrayEquals(new int[] {3, 0, 4, 1}, read(byteLevel(step, false)).encode("aba.b", false));
    }

    @Test
    void read_prefixSpace_isPutInFrontOfTexts() throws IOException {
        assertArrayEquals(new int[] {2, 3}, read(byteLevel("", true)).encode("ab", false));
        assertArrayEquals(new int[] {2, 3}, read(byteLevel("", true)).encode(" ab", false));
    }

    private static String byteLevel(String step, boolean prefix) {
        return """
                {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [
                    %s{"type": "ByteLevel", "add_prefix_space": %s, "use_regex": false}]},
                  "model": {"vocab": {"a": 0, "b": 1, "Ġ": 2, "ab": 3, ".": 4}, "merges": [["a", "b"]]}}
                """.formatted(step, prefix);
    }

    @Test
    void read_vocabJsonAndMerges_isByteLevel() throws IOException {
        write("vocab.json", "{\"a\": 0, \"b\": 1, \"Ġ\": 2, \"ab\": 3, \"Ġab\": 4, \"<|endoftext|>\": 5}");
        write("merges.txt", "#version: 0.2\na b\nĠ ab\n");
        write("tokenizer_config.json", "{\"eos_token\": \"<|endoftext|>\"}");
        Tokenizer tokenizer = Tokenizer.from(folder);
        assertArrayEquals(new int[] {3, 4, 5}, tokenizer.encode("ab ab<|endoftext|>", true));
        assertTrue(tokenizer.endsGeneration(5));
    }

    private Tokenizer read(String json) throws IOException {
        write("tokenizer.json", json);
        return Tokenizer.from(folder);
    }

    private void write(String name, String content) throws IOException {
        Files.writeString(folder.resolve(name), content);
    }

    private void assertRefused(String message, String json) {
        assertEquals(
                message + ", file=" + folder.resolve("tokenizer.json"),
                assertThrows(ModelFileException.class, () -> read(json)).getMessage());
    }
}
