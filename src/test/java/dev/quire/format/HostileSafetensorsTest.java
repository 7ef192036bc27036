package dev.quire.format;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Each file of {@link HostileSafetensors} is refused in its line, and costs no more than its size justifies.
class HostileSafetensorsTest {
    /// Heap that a file may take to be opened: a tensor's description takes about 500 bytes for 50.
    private static final long BYTES_PER_FILE_BYTE = 16;

    /// What the JSON parser, the mapping and an exception take, whatever the file.
    private static final long FIXED_BYTES = 128 << 10;

    private static final int MUTANTS = 10_000;

    @TempDir
    Path folder;

    static List<HostileSafetensors.Bad> files() {
        return HostileSafetensors.files();
    }

    @ParameterizedTest
    @MethodSource("files")
    void open_hostileFile_isRefusedInItsLine(HostileSafetensors.Bad bad) throws IOException {
        Path path = Files.write(folder.resolve("model.safetensors"), bad.bytes());
        refusal(path); // the first time loads classes
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        String message = refusal(path);
        long allocated = threads.getCurrentThreadAllocatedBytes() - before;
        assertTrue(message.startsWith(bad.message()), message);
        assertEquals(1, message.lines().count(), message);
        assertTrue(message.length() < 1000, message);
        String end = ", file=" + path + (bad.bytes().length == 0 ? "" : ", offset=");
        assertTrue(message.contains(end), message);
        assertTrue(bad.offset() < 0 || message.endsWith(end + bad.offset()), message);
        assertTrue(
                allocated <= FIXED_BYTES + BYTES_PER_FILE_BYTE * bad.bytes().length,
                "allocated=" + allocated + ", bytes=" + bad.bytes().length);
    }

    private static String refusal(Path path) {
        try (var files = new OpenFiles()) {
            return assertThrows(ModelFileException.class, () -> SafetensorsFile.open(path, files))
                    .getMessage();
        }
    }

    @Test
    void names_areDistinct() {
        assertEquals(
                files().size(),
                files().stream().map(HostileSafetensors.Bad::name).distinct().count());
        assertTrue(files().size() > 100, "files=" + files().size());
    }

    @Test
    void open_goodFile_opens() {
        assertEquals(7, parse(HostileSafetensors.good()).tensors().size());
    }

    /// A mutant opens, and then every tensor is there to its last byte, or is refused.
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void open_mutant_opensOrIsRefused(long seed) {
        var random = new Random(seed);
        int opened = 0;
        for (int i = 0; i < MUTANTS; i++) {
            byte[] mutant = HostileSafetensors.mutant(random);
            String which = "seed=" + seed + ", mutant=" + i;
            try {
                for (StoredTensor tensor : parse(mutant).tensors()) {
                    long bytes = tensor.data().byteSize();
                    assertEquals(tensor.elements() * tensor.type().bits(), 8 * bytes, which);
                    if (bytes > 0) {
                        tensor.data().get(ValueLayout.JAVA_BYTE, bytes - 1);
                    }
                }
                opened++;
            } catch (ModelFileException e) {
                assertEquals(1, e.getMessage().lines().count(), which);
                assertTrue(e.getMessage().contains("file=mutant"), () -> which + ", message=" + e.getMessage());
            }
        }
        assertTrue(opened > MUTANTS / 50 && opened < MUTANTS * 19 / 20, "both must happen: opened=" + opened);
    }

    private static SafetensorsFile parse(byte[] bytes) {
        return SafetensorsFile.parse(new MemoryBytes(Path.of("mutant"), MemorySegment.ofArray(bytes)));
    }
}
