package dev.quire.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.quire.format.GgufFile;
import dev.quire.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenizeCommandTest {
    @TempDir
    Path folder;

    private final CommandRunner runner = new CommandRunner();
    private Path model;
    private Tokenizer tokenizer;

    @BeforeEach
    void open() throws IOException {
        model = folder.resolve("vocabulary.gguf");
        try (InputStream in =
                new GZIPInputStream(Files.newInputStream(Path.of("src/test/resources/tokenizer/tiny.gguf.gz")))) {
            Files.copy(in, model);
        }
        try (GgufFile file = GgufFile.open(model)) {
            tokenizer = Tokenizer.from(file.metadata());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "a", "a\n", "Hello there\n\nwide \u00e9\u4e2d\ud83d\ude00\n", "a\r\nb\rc\n", "\n\n"})
    void tokenize_lines_areTokenizedOneByOne(String input) {
        String text = input.endsWith("\n") ? input.substring(0, input.length() - 1) : input;
        List<String> lines = input.isEmpty() ? List.of() : Arrays.asList(text.split("\n", -1));
        assertEquals(ids(lines), run(input));
    }

    @Test
    void tokenize_lineLongerThanTheBuffer_isWhole() {
        String longLine = "the quick brown fox ".repeat(40_000);
        assertEquals(ids(List.of("x", longLine, "y")), run("x\n" + longLine + "\ny"));
    }

    @Test
    void tokenize_escape_takesAnyText() throws JsonProcessingException {
        List<String> texts = List.of("a\nb\r\n\"\\", "", "\u0000\u4e2d", "\ud83d\ude00");
        StringBuilder input = new StringBuilder();
        for (String text : texts) {
            input.append(' ')
                    .append(new ObjectMapper().writeValueAsString(text))
                    .append(" \r\n");
        }
        assertEquals(ids(texts), run(input.toString(), "--escape"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"abc", "1", "\"a\" \"b\"", "\"a", "", "[\"a\"]", "null"})
    void tokenize_escapeBadLine_isNamed(String bad) {
        var outcome = outcome(("\"a\"\n" + bad + "\n\"c\"\n").getBytes(StandardCharsets.UTF_8), "--escape");
        assertEquals("quire: line must be one JSON string: line=2\n", outcome.err());
        assertEquals(ids(List.of("a")), outcome.out());
        assertEquals(1, outcome.status());
    }

    @Test
    void tokenize_notUtf8_isNamed() {
        var outcome = outcome(new byte[] {'a', '\n', (byte) 0xff, '\n'});
        assertEquals("quire: line must be UTF-8: line=2\n", outcome.err());
        assertEquals(1, outcome.status());
    }

    @Test
    void tokenize_time_saysHowMuchWasEncoded() {
        var outcome = outcome("\"a\\u00e9\"\n\"b\"\n".getBytes(StandardCharsets.UTF_8), "--time", "--escape");
        assertEquals(ids(List.of("a\u00e9", "b")), outcome.out());
        assertTrue(
                outcome.err().matches("[0-9]+\\.[0-9] MB/s: bytes=4, tokens=[0-9]+, cpuMillis=[0-9]+\n"),
                outcome.err());
    }

    private String run(String input, String... options) {
        var outcome = outcome(input.getBytes(StandardCharsets.UTF_8), options);
        assertEquals("", outcome.err());
        assertEquals(0, outcome.status());
        return outcome.out();
    }

    private CommandRunner.Outcome outcome(byte[] input, String... options) {
        String[] arguments = Arrays.copyOf(new String[] {"tokenize", model.toString()}, 2 + options.length);
        System.arraycopy(options, 0, arguments, 2, options.length);
        return runner.run(input, arguments);
    }

    private String ids(List<String> texts) {
        return texts.stream()
                .map(text -> Arrays.toString(tokenizer.encode(text, false)) + "\n")
                .collect(Collectors.joining());
    }
}
