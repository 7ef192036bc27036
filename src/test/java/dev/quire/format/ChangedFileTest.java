package dev.quire.format;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.quire.tensor.Tensor;
import dev.quire.tensor.TensorType;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Files that others change while they are open and mapped. Whoever reads what is not there any more gets a
/// {@link ModelFileException}, at once, and the process goes on.
class ChangedFileTest {
    private static final String MESSAGE = "model file must not change while it is read: file=";

    /// Strings enough for several hundred pages.
    private static final int STRINGS = 100_000;

    /// A tensor of several pages.
    private static final int ROWS = 100;

    private static final int COLUMNS = 64;

    @TempDir
    Path folder;

    private Path file(String name, int strings) {
        String[] array = new String[strings];
        Arrays.fill(array, "abcdefgh");
        return new GgufWriter().strings("a", array).uint8("b", 1).write(folder.resolve(name));
    }

    private Path bigFile() {
        return file("m.gguf", STRINGS);
    }

    private static void truncate(Path path, long size) throws IOException {
        try (var channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
            channel.truncate(size);
        }
    }

    private static byte[] numbers() {
        ByteBuffer numbers = ByteBuffer.allocate(ROWS * COLUMNS * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < ROWS * COLUMNS; i++) {
            numbers.putFloat(i);
        }
        return numbers.array();
    }

    private static byte[] bytes(Tensor tensor) {
        return tensor.data().toArray(ValueLayout.JAVA_BYTE);
    }

    /// A file's bytes, and a mapping of which nothing is left: to look at any of it is a fault.
    private record Unmapped(Path path, MemorySegment mapped, byte[] bytes) implements FileBytes {
        static Unmapped of(Path path, Arena arena) throws IOException {
            byte[] bytes = Files.readAllBytes(path);
            try (var channel = FileChannel.open(path, StandardOpenOption.READ)) {
                MemorySegment mapped = channel.map(FileChannel.MapMode.READ_ONLY, 0, bytes.length, arena);
                truncate(path, 0);
                return new Unmapped(path, mapped, bytes);
            }
        }

        @Override
        public void read(long offset, byte[] to, int start, int length) {
            System.arraycopy(bytes, (int) offset, to, start, length);
        }
    }

    @Test
    void gguf_everyReadByJava_leavesTheMappingAlone() throws IOException {
        Path path = new GgufWriter()
                .strings("a", "abcdefgh", "i")
                .int32s("c", 1, 2)
                .string("text", "x".repeat(2 * GgufCursor.WINDOW_BYTES))
                .tensor("t", TensorType.F32, numbers(), COLUMNS, ROWS)
                .write(folder.resolve("m.gguf"));
        var files = new OpenFiles();
        var bytes = Unmapped.of(path, files.arena());
        files.add(bytes);
        try (var file = new GgufFile(files, bytes)) {
            assertArrayEquals(new String[] {"abcdefgh", "i"}, file.metadata().strings("a"));
            assertArrayEquals(new long[] {1, 2}, file.metadata().integers("c"));
            assertEquals(
                    2 * GgufCursor.WINDOW_BYTES, file.metadata().string("text").length());
            assertArrayEquals(numbers(), bytes(file.read(file.tensor("t"))));
            int rowBytes = COLUMNS * Float.BYTES;
            assertArrayEquals(
                    Arrays.copyOfRange(numbers(), 3 * rowBytes, 5 * rowBytes),
                    bytes(file.read(file.tensor("t").rows(3, 2))));
        }
    }

    @Test
    void safetensors_everyReadByJava_leavesTheMappingAlone() throws IOException {
        var writer = new SafetensorsWriter();
        for (int i = 0; i < 2000; i++) {
            writer.tensor("tensor-" + i, "U8", new byte[] {(byte) i}, 1);
        }
        Path path = Files.write(folder.resolve("model.safetensors"), writer.bytes());
        try (var files = new OpenFiles()) {
            var bytes = Unmapped.of(path, files.arena());
            files.add(bytes);
            var tensors = SafetensorsFile.parse(bytes).tensors();
            assertEquals(2000, tensors.size());
            assertArrayEquals(new byte[] {77}, files.read(tensors.get(77).data()));
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 4096, 100_000})
    void parse_fileShortenedAfterMapping_isRefused(long size) throws IOException {
        Path path = bigFile();
        try (var files = new OpenFiles()) {
            OpenFile bytes = files.open(path);
            truncate(path, size);
            var e = assertThrows(ModelFileException.class, () -> new GgufFile(files, bytes));
            assertEquals(MESSAGE + path, e.getMessage());
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 100})
    void parse_safetensorsShortenedAfterMapping_isRefused(long size) throws IOException {
        var writer = new SafetensorsWriter();
        for (int i = 0; i < 100; i++) {
            writer.tensor("tensor-" + i, "U8", new byte[1], 1);
        }
        Path path = Files.write(folder.resolve("model.safetensors"), writer.bytes());
        try (var files = new OpenFiles()) {
            OpenFile bytes = files.open(path);
            truncate(path, size);
            var e = assertThrows(ModelFileException.class, () -> SafetensorsFile.parse(bytes));
            assertEquals(MESSAGE + path, e.getMessage());
        }
    }

    @Test
    void requireSize_otherSize_isRefused() throws IOException {
        Path path = bigFile();
        try (var files = new OpenFiles()) {
            OpenFile file = files.open(path);
            file.requireSize();
            truncate(path, 7);
            var e = assertThrows(ModelFileException.class, file::requireSize);
            assertEquals(
                    "model file must not change while it is read: bytesBefore=" + file.size() + ", bytesNow=7, file="
                            + path,
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

    /// Compiled code once met the fault when no handler was left: how code reads must not depend on how warm it is.
    /// Keys and arrays, short and long, until what copies them out of a file is compiled with all that it calls.
    @Test
    void strings_fileShortenedOnceTheCodeIsWarm_areRefused() throws IOException {
        var writer = new GgufWriter().strings("a", "a", "abcdefgh");
        for (int i = 0; i < 300; i++) {
            writer.string((i % 2 == 0 ? "" : "a.longer.key.") + i, "value " + i);
        }
        Path warm = writer.write(folder.resolve("warm.gguf"));
        Path path = folder.resolve("m.gguf");
        for (int i = 0; i < 40; i++) {
            for (int j = 0; j < 10; j++) {
                try (var file = GgufFile.open(warm)) {
                    file.metadata().strings("a");
                }
            }
            file("m.gguf", 1000);
            try (var file = GgufFile.open(path)) {
                truncate(path, i % 2 * 4096);
                var e = assertThrows(
                        ModelFileException.class, () -> file.metadata().strings("a"));
                assertEquals(MESSAGE + path, e.getMessage());
            }
        }
    }

    @Test
    void strings_threadInterrupted_areReadAndStayReadable() {
        try (var file = GgufFile.open(bigFile())) {
            Thread.currentThread().interrupt();
            assertEquals(STRINGS, file.metadata().strings("a").length);
            assertEquals(true, Thread.interrupted());
            assertEquals("abcdefgh", file.metadata().strings("a")[STRINGS - 1]);
        }
    }

    @Test
    void strings_afterClosing_areRefused() {
        Path path = bigFile();
        var file = GgufFile.open(path);
        file.close();
        var e = assertThrows(IllegalStateException.class, () -> file.metadata().strings("a"));
        assertEquals("model file must be open to be read: file=" + path, e.getMessage());
    }

    @Test
    void read_fileShortenedAfterOpening_isRefused() throws IOException {
        Path path = new GgufWriter()
                .tensor("t", TensorType.F32, numbers(), COLUMNS, ROWS)
                .write(folder.resolve("m.gguf"));
        try (var file = GgufFile.open(path)) {
            Tensor tensor = file.tensor("t");
            assertArrayEquals(numbers(), bytes(file.read(tensor)));
            truncate(path, Files.size(path) - 1);
            var e = assertThrows(ModelFileException.class, () -> file.read(tensor));
            assertEquals(MESSAGE + path, e.getMessage());
            assertArrayEquals(Arrays.copyOf(numbers(), COLUMNS * Float.BYTES), bytes(file.read(tensor.rows(0, 1))));
        }
    }

    /// Transposed when asked for, as GPT-2's matrices are, or made F32.
    @ParameterizedTest
    @ValueSource(strings = {"blk.0.ffn_up.weight", "blk.0.attn_norm.bias"})
    void find_folderShortenedAfterOpening_isRefused(String name) throws IOException {
        var writer = FolderWriter.of("gpt2");
        writer.tensor("transformer.h.0.ln_1.bias", "F16", new byte[16], 8);
        Path path = writer.write(folder).resolve("model.safetensors");
        try (var model = HuggingFaceFolder.open(folder)) {
            truncate(path, 8);
            var e = assertThrows(ModelFileException.class, () -> model.find(name));
            assertEquals(MESSAGE + path, e.getMessage());
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
