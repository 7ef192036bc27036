package dev.quire.format;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Files that others change while they are mapped. The operating system answers a read behind the new end with a
/// fault; whoever reads gets a {@link ModelFileException}, and the process goes on.
class ChangedFileTest {
    private static final String MESSAGE = "model file must not change while it is read: file=";

    /// Strings enough for several hundred pages.
    private static final int STRINGS = 100_000;

    @TempDir
    Path folder;

    private Path bigFile() {
        String[] strings = new String[STRINGS];
        Arrays.fill(strings, "abcdefgh");
        return new GgufWriter().strings("a", strings).uint8("b", 1).write(folder.resolve("m.gguf"));
    }

    private static void truncate(Path path, long size) throws IOException {
        try (var channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
            channel.truncate(size);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 4096, 100_000})
    void parse_fileShortenedAfterMapping_isRefused(long size) throws IOException {
        // Often enough for the loop over the strings to be compiled, which meets a fault in another way.
        for (int i = 0; i < 20; i++) {
            Path path = bigFile();
            try (Arena arena = Arena.ofShared();
                    var channel = FileChannel.open(path, StandardOpenOption.READ)) {
                MemorySegment bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
                GgufFile.parse(path, arena, bytes);
                truncate(path, size);
                var e = assertThrows(ModelFileException.class, () -> GgufFile.parse(path, arena, bytes));
                assertEquals(MESSAGE + path, e.getMessage());
            }
        }
    }

    @Test
    void requireSize_otherSize_isRefused() throws IOException {
        Path path = bigFile();
        try (var channel = FileChannel.open(path, StandardOpenOption.READ)) {
            long bytes = channel.size();
            GgufFile.requireSize(channel, bytes, path);
            truncate(path, 7);
            var e = assertThrows(ModelFileException.class, () -> GgufFile.requireSize(channel, bytes, path));
            assertEquals(
                    "model file must not change while it is read: bytesBefore=" + bytes + ", bytesNow=7, file=" + path,
                    e.getMessage());
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 100_000})
    void strings_fileShortenedAfterOpening_areRefused(long size) throws IOException {
        Path path = bigFile();
        try (var file = GgufFile.open(path)) {
            truncate(path, size);
            var e = assertThrows(ModelFileException.class, () -> file.metadata().strings("a"));
            assertEquals(MESSAGE + path, e.getMessage());
            assertEquals(1, file.metadata().integer("b"));
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {-1, Long.MAX_VALUE, 0, 7, 9, 1 << 20})
    void strings_lengthChangedAfterOpening_stayInsideTheArray(long length) throws IOException {
        Path path = new GgufWriter()
                .strings("a", "abcdefgh", "abcdefgh")
                .string("b", "next")
                .write(folder.resolve("m.gguf"));
        try (var file = GgufFile.open(path)) {
            int firstLength = 24 + 8 + 1 + 4 + 4 + 8;
            try (var channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
                channel.write(ByteBuffer.allocate(8).putLong(0, Long.reverseBytes(length)), firstLength);
            }
            var e = assertThrows(ModelFileException.class, () -> file.metadata().strings("a"));
            assertEquals(MESSAGE + path, e.getMessage());
        }
    }

    @Test
    void strings_bytesChangedAfterOpening_areReadAsTheyAre() throws IOException {
        Path path = new GgufWriter().strings("a", "abc").write(folder.resolve("m.gguf"));
        try (var file = GgufFile.open(path)) {
            try (var channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
                channel.write(ByteBuffer.wrap(new byte[] {'x'}), 24 + 8 + 1 + 4 + 4 + 8 + 8);
            }
            assertEquals("xbc", file.metadata().strings("a")[0]);
        }
    }
}
