package dev.quire.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.format.HostileFile;
import dev.quire.format.HostileGguf;
import dev.quire.format.HostileModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// `inspect` says of every bad file what is bad, in one line with the file, and exits with 1.
class HostileModelTest {
    @TempDir
    Path folder;

    private final CommandRunner runner = new CommandRunner();

    static List<HostileFile> badFiles() throws IOException {
        return Stream.concat(HostileGguf.files().stream(), HostileModel.files().stream())
                .filter(file -> switch (file.found()) {
                    case OPENING, READING, LOADING -> true;
                    case SERVING, COMPUTING -> false;
                })
                .toList();
    }

    static List<HostileFile> goodLookingFiles() throws IOException {
        return HostileModel.files().stream()
                .filter(file -> switch (file.found()) {
                    case OPENING, READING, LOADING -> false;
                    case SERVING, COMPUTING -> true;
                })
                .toList();
    }

    @ParameterizedTest
    @MethodSource("badFiles")
    void inspect_badFile_isOneLine(HostileFile hostile) throws IOException {
        Path path = Files.write(folder.resolve(hostile.name() + ".gguf"), hostile.bytes());
        var outcome = runner.run("inspect", path.toString());
        assertEquals(1, outcome.status(), outcome.out());
        assertEquals(1, outcome.err().lines().count(), outcome.err());
        assertTrue(outcome.err().startsWith("quire: " + hostile.message()), outcome.err());
        assertTrue(outcome.err().contains(", file=" + path), outcome.err());
        assertTrue(outcome.err().length() < 1_100 + path.toString().length(), outcome.err());
        assertTrue(outcome.out().isEmpty() || outcome.err().contains("architecture must be one of"), outcome.out());
    }

    /// What only the forward pass would show is not in the figures, but said after them.
    @ParameterizedTest
    @MethodSource("goodLookingFiles")
    void inspect_goodLookingFile_hasItsFigures(HostileFile hostile) throws IOException {
        Path path = Files.write(folder.resolve(hostile.name() + ".gguf"), hostile.bytes());
        var outcome = runner.run("inspect", path.toString());
        assertTrue(outcome.out().contains("architecture     llama\n"), outcome.out());
        if (hostile.found() == HostileFile.Found.SERVING) {
            assertEquals(0, outcome.status(), outcome.err());
            return;
        }
        assertEquals(1, outcome.status(), outcome.out());
        String line = "quire: weights must be finite numbers: tensor=[a-z0-9._]+, row=\\d+, file=.*, offset=\\d+\n";
        assertTrue(outcome.err().matches(line), outcome.err());
    }

    /// Those that open, which is most of what a start does, and some that do not.
    static List<HostileFile> someFiles() throws IOException {
        return Stream.concat(
                        HostileGguf.files().stream()
                                .filter(file -> file.name().startsWith("version-")
                                        || file.name().startsWith("cut-")
                                        || file.found() == HostileFile.Found.READING),
                        HostileModel.files().stream())
                .toList();
    }

    /// Through the whole engine: it does not start, or the model answers; there is no third outcome.
    @ParameterizedTest
    @MethodSource("someFiles")
    void generate_badFile_isOneLine(HostileFile hostile) throws IOException {
        Path path = Files.write(folder.resolve(hostile.name() + ".gguf"), hostile.bytes());
        var outcome = runner.run(
                "generate",
                "--raw",
                "--backend=reference",
                "--cache-blocks=4",
                "--max-tokens=2",
                "--model=" + path,
                "a");
        assertEquals(1, outcome.err().lines().count(), outcome.err());
        assertTrue(outcome.err().startsWith("quire: "), outcome.err());
        if (hostile.found() == HostileFile.Found.COMPUTING) {
            assertEquals(1, outcome.status(), outcome.err());
            assertTrue(outcome.err().matches("quire: the model (must give a|gave no) number for .*\\n"), outcome.err());
        } else if (hostile.found() == HostileFile.Found.READING) {
            assertEquals(0, outcome.status(), "an array that nobody needs is not read");
        } else {
            assertEquals(1, outcome.status(), outcome.err());
            assertTrue(outcome.err().startsWith("quire: " + hostile.message()), outcome.err());
            assertTrue(outcome.err().contains(", file=" + path), outcome.err());
        }
    }
}
