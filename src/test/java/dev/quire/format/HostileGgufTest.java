package dev.quire.format;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Each file of {@link HostileGguf} is refused in its line, and costs no more than its size justifies.
class HostileGgufTest {
    /// Heap that a file may take to be opened and read: strings of one byte take 56 bytes for 9, a tensor's description
    /// 400 for 33.
    private static final long BYTES_PER_FILE_BYTE = 16;

    /// What the mapping, the channel and an exception take, whatever the file.
    private static final long FIXED_BYTES = 64 << 10;

    @TempDir
    Path folder;

    static List<HostileFile> files() throws IOException {
        return HostileGguf.files();
    }

    @ParameterizedTest
    @MethodSource("files")
    void hostileFile_isRefusedInItsLine(HostileFile hostile) throws IOException {
        Path path = Files.write(folder.resolve(hostile.name() + ".gguf"), hostile.bytes());
        openAndRead(path); // the first time loads classes
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        String message = openAndRead(path);
        long allocated = threads.getCurrentThreadAllocatedBytes() - before;
        assertTrue(message.startsWith(hostile.message()), message);
        assertEquals(1, message.lines().count(), message);
        assertTrue(message.contains(", file=" + path), message);
        assertTrue(hostile.bytes().length == 0 || message.matches(".*, offset=\\d+"), message);
        assertTrue(
                allocated <= FIXED_BYTES + BYTES_PER_FILE_BYTE * hostile.bytes().length,
                "allocated=" + allocated + ", bytes=" + hostile.bytes().length);
    }

    private static String openAndRead(Path path) {
        var e = assertThrows(ModelFileException.class, () -> {
            try (var file = GgufFile.open(path)) {
                file.metadata().values().entrySet().forEach(entry -> assertTrue(entry.getValue() != null));
            }
        });
        return e.getMessage();
    }

    @Test
    void names_areDistinct() throws IOException {
        assertEquals(
                files().size(),
                files().stream().map(HostileFile::name).distinct().count());
        assertTrue(files().size() > 200, "files=" + files().size());
    }

    /// What the files are made from is good, and taking it apart loses nothing.
    @Test
    void goodFile_takenApartAndPutTogether_isTheSame() throws IOException {
        byte[] good = Files.readAllBytes(HostileGguf.GOOD);
        assertArrayEquals(good, GgufImage.of(good).bytes());
        GgufFile.open(HostileGguf.GOOD).close();
    }
}
