package dev.quire.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// The command line as a whole: what is refused how, and what reaches the server.
class QuireTest {
    private final CommandRunner runner = new CommandRunner();

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            serve --cache-blocks=abc  | --cache-blocks must be a whole number of at most 32 bits: --cache-blocks=abc
            serve --cache-watermark=x | --cache-watermark must be a number: --cache-watermark=x
            serve --stream-timeout=x  | --stream-timeout must be a time such as 60s, 500ms or 2m: --stream-timeout=x
            serve --offline=maybe     | --offline must be true or false: --offline=maybe
            serve --model=            | --model must not be empty: --model=
            serve --port 99999        | --port must be between 0 and 65535: --port=99999
            serve --port=x            | Invalid value for option '--port': 'x' is not an int
            serve --nonsense          | Unknown option: '--nonsense'
            serve --threads           | Missing required parameter for option '--threads' (NUMBER)
            generate --temperature 3 a | temperature must be between 0.0 and 2.0: temperature=3.0
            generate --max-tokens 0 a | --max-tokens must be at least 1: --max-tokens=0
            generate --raw --system b a | --system needs the chat template, which --raw leaves out
            inspect                   | Missing required parameter: 'MODEL'
            nonsense                  | Unmatched argument at index 0: 'nonsense'
            """)
    void run_wrongCall_isOneLineAndStatus2(String arguments, String message) {
        var outcome = runner.run(arguments.split(" "));
        assertEquals("quire: " + message + "\n", outcome.err());
        assertEquals("", outcome.out());
        assertEquals(2, outcome.status());
        assertNull(runner.served);
    }

    @Test
    void run_withoutCommand_isAWrongCall() {
        var outcome = runner.run();
        assertEquals(
                "quire: a command is missing: serve, generate, bench, inspect, pack, pull, tokenize or help\n",
                outcome.err());
        assertEquals(2, outcome.status());
    }

    @ParameterizedTest
    @ValueSource(strings = {"serve", "inspect x", "tokenize x", "generate x"})
    void run_badEnvironment_isRefusedBeforeAnythingStarts(String command) {
        runner.environment.put("QUIRE_CACHE_BLOCKS", "abc");
        var outcome = runner.run(command.split(" "));
        assertEquals(
                "quire: QUIRE_CACHE_BLOCKS must be a whole number of at most 32 bits: QUIRE_CACHE_BLOCKS=abc\n",
                outcome.err());
        assertEquals(2, outcome.status());
        assertNull(runner.served);
    }

    @Test
    void serve_flags_becomeProperties() {
        var outcome = runner.run(
                "serve", "--port", "9090", "--host=127.0.0.1", "--cache-blocks=64", "--offline", "--model", "a b.gguf");
        assertEquals("", outcome.err());
        assertEquals(0, outcome.status());
        assertEquals(
                Map.of(
                        "quarkus.http.port", "9090",
                        "quarkus.http.host", "127.0.0.1",
                        "quire.cache.blocks", "64",
                        "quire.offline", "true",
                        "quire.model", "a b.gguf"),
                runner.served);
    }

    /// What is not said stays unsaid, so that the environment and the defaults decide.
    @Test
    void serve_withoutFlags_setsNothing() {
        runner.run("serve");
        assertEquals(Map.of(), runner.served);
    }

    @ParameterizedTest
    @ValueSource(strings = {"generate --raw --model nowhere.gguf a", "inspect nowhere.gguf", "tokenize nowhere.gguf"})
    void run_modelIsMissing_isOneLineAndStatus1(String arguments) {
        var outcome = runner.run(arguments.split(" "));
        String file = Path.of("nowhere.gguf").toAbsolutePath().toString();
        assertEquals("quire: model file must exist: file=" + file + "\n", outcome.err());
        assertEquals("", outcome.out());
        assertEquals(1, outcome.status());
    }

    @ParameterizedTest
    @ValueSource(strings = {"serve", "generate", "bench", "inspect", "tokenize"})
    void help_ofEachCommand_hasAnExample(String command) {
        for (String[] arguments : new String[][] {{command, "--help"}, {"help", command}}) {
            var outcome = runner.run(arguments);
            assertEquals(0, outcome.status(), outcome.err());
            assertTrue(outcome.out().contains("Example"), outcome.out());
            assertTrue(outcome.out().contains("quire " + command + " "), outcome.out());
        }
    }

    @Test
    void help_listsTheCommands() {
        for (String argument : new String[] {"help", "--help"}) {
            var outcome = runner.run(argument);
            assertEquals(0, outcome.status());
            for (String command : new String[] {"serve", "generate", "bench", "inspect", "tokenize", "help"}) {
                assertTrue(outcome.out().contains("\n  " + command), outcome.out());
            }
        }
    }

    @Test
    void version_isMavens() {
        var outcome = runner.run("--version");
        assertEquals(0, outcome.status());
        assertTrue(outcome.out().matches("quire \\d+\\.\\d+\\S* \\(Java \\d+\\)\\s+"), outcome.out());
    }
}
