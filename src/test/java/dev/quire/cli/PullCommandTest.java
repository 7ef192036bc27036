package dev.quire.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.store.StandInHub;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `quire pull`, and commands that are given a model's name on the hub, against a hub on this machine.
class PullCommandTest {
    private static final Path TINY = Path.of("src/test/resources/models/tiny-llama-q4_1.gguf");

    @TempDir
    Path home;

    private CommandRunner.Outcome run(String endpoint, String... arguments) {
        var runner = new CommandRunner();
        String[] all = java.util.Arrays.copyOf(arguments, arguments.length + 4);
        System.arraycopy(
                new String[] {"--home", home.toString(), "--hub-endpoint", endpoint}, 0, all, arguments.length, 4);
        return runner.run(all);
    }

    @Test
    void pull_name_printsWhereTheModelLies() throws IOException {
        try (var hub = new StandInHub()) {
            hub.files.put("tiny.gguf", Files.readAllBytes(TINY));
            var outcome = run(hub.endpoint(), "pull", "acme/tiny");
            assertEquals(0, outcome.status(), outcome.err());
            Path model = Path.of(outcome.out().strip());
            assertTrue(model.startsWith(home) && Files.mismatch(model, TINY) == -1, outcome.out());
        }
    }

    /// Every command takes the name, fetches what is missing, and asks nobody for what is there.
    @Test
    void generate_nameOnTheHub_fetchesAndAnswers() throws IOException {
        String[] generate = {"generate", "--model", "acme/tiny", "--backend", "reference", "--max-tokens", "2", "Hello"
        };
        String endpoint;
        String answer;
        try (var hub = new StandInHub()) {
            hub.files.put("tiny.gguf", Files.readAllBytes(TINY));
            endpoint = hub.endpoint();
            var first = run(endpoint, generate);
            assertEquals(0, first.status(), first.err());
            answer = first.out();
        }
        assertEquals(answer, run(endpoint, generate).out());
        assertTrue(run(endpoint, "inspect", "acme/tiny").out().contains("tiny.gguf"));
    }

    /// The name behind a switch is the model's, not the switch's value.
    @Test
    void pull_switchBeforeTheName_isASwitch() throws IOException {
        try (var hub = new StandInHub()) {
            hub.files.put("tiny.gguf", Files.readAllBytes(TINY));
            assertEquals(
                    0,
                    run(hub.endpoint(), "pull", "--offline=false", "acme/tiny").status());
            var outcome = run(hub.endpoint(), "pull", "--offline", "acme/tiny");
            assertEquals(1, outcome.status());
            assertTrue(outcome.err().startsWith("quire: model must be in the cache when offline: "), outcome.err());
        }
    }

    @Test
    void pull_nameThatIsNotThere_isOneLine() throws IOException {
        try (var hub = new StandInHub()) {
            var outcome = run(hub.endpoint(), "pull", "acme/absent");
            assertEquals(1, outcome.status());
            assertEquals(
                    "quire: model, revision and file must be on the hub: model=acme/absent, endpoint=" + hub.endpoint()
                            + ", status=404\n",
                    outcome.err());
        }
    }
}
