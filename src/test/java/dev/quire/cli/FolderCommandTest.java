package dev.quire.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Every command takes a folder as it takes the same model in GGUF.
class FolderCommandTest {
    private static final String FOLDER = "src/test/resources/folders/tiny-llama-f16";
    private static final String GGUF = "src/test/resources/models/tiny-llama-f16.gguf";

    private final CommandRunner runner = new CommandRunner();

    @ParameterizedTest
    @ValueSource(strings = {"the blocks of a sequence\n", "<|im_start|>user\n", "größer 😀\n2 tokens  \t\n"})
    void tokenize_folder_givesTheIdsOfTheGguf(String text) {
        var expected = runner.run(text.getBytes(StandardCharsets.UTF_8), "tokenize", GGUF);
        var found = runner.run(text.getBytes(StandardCharsets.UTF_8), "tokenize", FOLDER);
        assertEquals(0, found.status(), found.err());
        assertEquals(expected.out(), found.out());
    }

    @ParameterizedTest
    @ValueSource(strings = {"reference", "cpu"})
    void generate_folder_answersAsTheGguf(String backend) {
        assertEquals(generate(GGUF, backend, "--raw"), generate(FOLDER, backend, "--raw"));
        assertEquals(generate(GGUF, backend), generate(FOLDER, backend));
    }

    private String generate(String model, String backend, String... more) {
        List<String> line = new ArrayList<>(
                List.of("generate", "--temperature=0", "--max-tokens=8", "--cache-blocks=16", "--backend=" + backend));
        line.add("--model=" + model);
        line.addAll(List.of(more));
        line.add("the keys and the values");
        var outcome = runner.run(line.toArray(String[]::new));
        assertEquals(0, outcome.status(), outcome.err());
        return outcome.out();
    }

    @Test
    void anyCommand_badFolder_isOneLine() {
        for (String command : new String[] {"inspect", "tokenize"}) {
            var outcome = runner.run(command, "src/test/resources");
            assertEquals(1, outcome.status());
            assertEquals("quire: folder must have config.json: file=src/test/resources\n", outcome.err());
        }
        var outcome = runner.run("generate", "--model=src/test/resources/tokenizer", "a");
        assertEquals(1, outcome.status());
        assertTrue(outcome.err().startsWith("quire: "), outcome.err());
        assertTrue(
                outcome.err().endsWith("folder must have config.json: file=src/test/resources/tokenizer\n"),
                outcome.err());
    }
}
