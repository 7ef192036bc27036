package dev.quire.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `quire pack` on a model too small for a file; the default model's is in SmolLm2PackingIT.
class PackCommandTest {
    @TempDir
    Path home;

    private CommandRunner.Outcome pack(String model) {
        return new CommandRunner().run("pack", model, "--home", home.toString());
    }

    @Test
    void pack_smallModel_saysWhatEachPartTook() {
        var outcome = pack("src/test/resources/models/tiny-llama-q4_1.gguf");
        assertEquals(0, outcome.status(), outcome.err());
        assertEquals(
                "model packed packed open weights tokenizer kernels resident",
                String.join(
                        " ",
                        outcome.out().lines().map(line -> line.split(" ")[0]).toList()));
        assertTrue(outcome.out().contains("in memory only"), outcome.out());
        assertTrue(
                outcome.out().lines().anyMatch(line -> line.matches("weights +\\d+\\.\\d ms, memory")), outcome.out());
    }

    @Test
    void pack_missingModel_isOneLine() {
        var outcome = pack("nowhere.gguf");
        assertEquals(1, outcome.status());
        assertEquals(
                "quire: model file must exist: file=" + Path.of("nowhere.gguf").toAbsolutePath() + "\n", outcome.err());
    }
}
