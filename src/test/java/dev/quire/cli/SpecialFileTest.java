package dev.quire.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.format.GgufWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What is no model file at all: one line, at once.
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SpecialFileTest {
    @TempDir
    Path folder;

    private final CommandRunner runner = new CommandRunner();

    private void assertRefused(String message, Path path) {
        var outcome = runner.run("inspect", path.toString());
        assertEquals("quire: " + message + "file=" + path + "\n", outcome.err());
        assertEquals(1, outcome.status());
        assertEquals("", outcome.out());
    }

    @ParameterizedTest
    @ValueSource(strings = {"/dev/null", "/dev/zero"})
    void inspect_device_isOneLine(String device) {
        var outcome = runner.run("inspect", device);
        assertTrue(outcome.err().matches("quire: model .*, file=" + device + "\n"), outcome.err());
        assertEquals(1, outcome.status());
    }

    private static void makePipe(Path pipe) throws IOException, InterruptedException {
        Process made = new ProcessBuilder("mkfifo", pipe.toString()).start();
        assertTrue(made.waitFor(10, TimeUnit.SECONDS));
        assertEquals(0, made.exitValue());
    }

    @Test
    void inspect_pipe_doesNotWaitForAWriter() throws IOException, InterruptedException {
        Path pipe = folder.resolve("pipe.gguf");
        makePipe(pipe);
        assertRefused("model must be a regular file: found=special file, ", pipe);
    }

    @Test
    void inspect_folderWithAPipeForItsWeights_doesNotWaitForAWriter() throws IOException, InterruptedException {
        Path weights = folder.resolve("model.safetensors");
        Files.copy(Path.of("src/test/resources/folders/tiny-qwen2/config.json"), folder.resolve("config.json"));
        makePipe(weights);
        var outcome = runner.run("inspect", folder.toString());
        assertEquals("quire: model must be a regular file: found=special file, file=" + weights + "\n", outcome.err());
        assertEquals(1, outcome.status());
    }

    @Test
    void inspect_folderWithAFolderForItsWeights_isOneLine() throws IOException {
        Path weights = Files.createDirectory(folder.resolve("model.safetensors"));
        Files.copy(Path.of("src/test/resources/folders/tiny-qwen2/config.json"), folder.resolve("config.json"));
        var outcome = runner.run("inspect", folder.toString());
        assertEquals("quire: model must be a regular file: found=directory, file=" + weights + "\n", outcome.err());
    }

    @Test
    void inspect_linkToItself_isOneLine() throws IOException {
        Path link = folder.resolve("link.gguf");
        Files.createSymbolicLink(link, link);
        assertRefused("model file must exist: ", link);
        Path dangling = folder.resolve("dangling.gguf");
        Files.createSymbolicLink(dangling, folder.resolve("absent"));
        assertRefused("model file must exist: ", dangling);
    }

    @Test
    void inspect_empty_isOneLine() throws IOException {
        assertRefused("model file must not be empty: bytes=0, ", Files.createFile(folder.resolve("empty.gguf")));
    }

    /// A path is a user's too: it may hold what would break a line, or turn a terminal's colours.
    @Test
    void inspect_pathOfManyLines_isOneLine() throws IOException {
        Path path = Files.writeString(folder.resolve("a\nb\u001b[31m.gguf"), "no model at all");
        var outcome = runner.run("inspect", path.toString());
        assertEquals(1, outcome.err().lines().count(), outcome.err());
        assertTrue(outcome.err().endsWith("a\\u000ab\\u001b[31m.gguf, offset=0\n"), outcome.err());
    }

    /// A file may claim a terabyte that is not there: holes take no disk, and mapping them takes no memory.
    @Test
    void inspect_sparseFile_isAnsweredFromItsHeader() throws IOException {
        Path path = new GgufWriter()
                .string("general.name", "mostly holes")
                .tensor("a", 0, new byte[0], 0L, 1L << 38)
                .write(folder.resolve("sparse.gguf"));
        extend(path, (1L << 40) + 1024);
        var outcome = runner.run("inspect", path.toString());
        assertTrue(
                outcome.err().startsWith("quire: metadata key is missing: key=general.architecture, file="),
                outcome.err());
        Path vocabulary = new GgufWriter().string("general.name", "all holes").write(folder.resolve("holes.gguf"));
        extend(vocabulary, 1L << 40);
        outcome = runner.run("inspect", vocabulary.toString());
        assertEquals(0, outcome.status(), outcome.err());
        assertTrue(outcome.out().contains("size             1,099,511,627,776 bytes"), outcome.out());
    }

    private static void extend(Path path, long bytes) throws IOException {
        try (var channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.allocate(1), bytes - 1);
        }
    }
}
