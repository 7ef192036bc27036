package dev.quire.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/// `generate` through the whole engine, on a tiny model and the reference kernels.
class GenerateCommandTest {
    private static final String MODEL = "src/test/resources/models/tiny-llama-f32.gguf";
    private static final List<String> SMALL = List.of("--backend=reference", "--cache-blocks=16", "--max-tokens=8");

    private final CommandRunner runner = new CommandRunner();

    @Test
    void generate_raw_writesTheAnswerAndItsNumbers() {
        var outcome = run("", "Hello");
        assertEquals(0, outcome.status(), outcome.err());
        assertTrue(outcome.out().endsWith("\n"), outcome.out());
        assertTrue(
                outcome.err()
                        .matches("quire: \\d+ prompt tokens, \\d tokens \\((length|stop)\\), first after \\d+ ms.*\n"),
                outcome.err());
    }

    @Test
    void generate_promptOnStandardInput_isTheSame() {
        String answer = run("", "Hello").out();
        assertEquals(answer, run("Hello\n").out());
        assertEquals(answer, run("Hello", "-").out());
    }

    @Test
    void generate_sameSeed_isTheSame() {
        String[] drawn = {"Hello", "--temperature=1.5", "--seed=7"};
        var first = run("", drawn);
        assertEquals(first.out(), run("", drawn).out());
        assertTrue(first.err().endsWith(", seed 7\n"), first.err());
    }

    @Test
    void generate_tooLongForThePool_isOneLine() {
        var outcome = run(List.of("--backend=reference", "--cache-blocks=1", "--max-tokens=40"), "", "Hello");
        assertEquals(1, outcome.status());
        assertTrue(outcome.err().startsWith("quire: prompt and answer must fit the "), outcome.err());
        assertEquals(1, outcome.err().lines().count(), outcome.err());
    }

    @Test
    void generate_badSetting_isOneLine() {
        var outcome = run(List.of("--backend=abacus"), "", "Hello");
        assertEquals("quire: quire.backend must be auto, cpu or reference: quire.backend=abacus\n", outcome.err());
        assertEquals(1, outcome.status());
    }

    @Test
    void generate_emptyPrompt_isAWrongCall() {
        var outcome = run("");
        assertEquals("quire: the prompt must not be empty\n", outcome.err());
        assertEquals(2, outcome.status());
    }

    private CommandRunner.Outcome run(String stdin, String... arguments) {
        return run(SMALL, stdin, arguments);
    }

    private CommandRunner.Outcome run(List<String> options, String stdin, String... arguments) {
        List<String> all = new ArrayList<>(List.of("generate", "--raw", "--model=" + MODEL));
        all.addAll(options);
        all.addAll(List.of(arguments));
        return runner.run(stdin.getBytes(StandardCharsets.UTF_8), all.toArray(String[]::new));
    }
}
