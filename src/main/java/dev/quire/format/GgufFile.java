package dev.quire.format;

import dev.quire.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// An open GGUF file, version 2 or 3, little-endian: single values on the heap, arrays and tensors in the mapped file.
///
/// The format (ggml's `docs/gguf.md`) is magic, version, number of tensors, number of keys; keys with values; tensor
/// descriptions; then, aligned, the data. Nothing in the file is trusted: {@link #open} checks everything before it
/// returns and refuses with a {@link ModelFileException}; after that, every tensor's bytes are there. Only the contents
/// of arrays wait until they are asked for ({@link ModelMetadata}).
///
/// Thread-safe: immutable but for {@link #close}, after which no tensor may be read. The file must not be shortened
/// while it is open; the operating system answers reads behind its new end with a fault.
public final class GgufFile implements ModelFile {
    private static final int MAGIC = 0x46554747; // "GGUF", little-endian
    private static final int MIN_VERSION = 2; // version 1 had 32-bit counts
    private static final int MAX_VERSION = 3;

    /// Bytes of the shortest key-value pair: length and one byte of key, type, one byte of value.
    private static final int MIN_PAIR_BYTES = 8 + 1 + 4 + 1;

    private final Path path;
    private final long start; // address of the file's first byte
    private final Arena arena;
    private final int version;
    private final ModelMetadata metadata;
    private final List<Tensor> tensors;
    private final Map<String, Tensor> byName;

    private GgufFile(Path path, Arena arena, MemorySegment bytes) {
        this.start = bytes.address();
        this.path = path;
        this.arena = arena;
        var cursor = new GgufCursor(path, bytes);
        checkMagic(cursor);
        this.version = version(cursor);
        int tensorCount =
                cursor.count("tensors of the file", GgufTensors.MIN_DESCRIPTION_BYTES, GgufTensors.MAX_TENSORS);
        int keyCount = cursor.count("metadata keys of the file", MIN_PAIR_BYTES, GgufValues.MAX_KEYS);
        var values = new GgufValues(cursor);
        this.metadata = values.read(path, keyCount);
        this.tensors = new GgufTensors(cursor, bytes, values.alignment()).read(tensorCount);
        this.byName = LinkedHashMap.newLinkedHashMap(tensorCount);
        for (Tensor tensor : tensors) {
            byName.put(tensor.name(), tensor);
        }
    }

    /// Maps and checks a file. A file without tensors (a vocabulary) opens too.
    public static GgufFile open(Path path) {
        if (!Files.exists(path)) {
            throw new ModelFileException("model file must exist: file=" + path);
        }
        requireRegular(path);
        Arena arena = Arena.ofShared();
        try (var channel = FileChannel.open(path, StandardOpenOption.READ)) {
            MemorySegment bytes = map(channel, path, arena);
            try {
                return parse(path, arena, bytes);
            } finally {
                // Whatever was found, of a file that another process still writes it means nothing.
                requireSize(channel, bytes.byteSize(), path);
            }
        } catch (IOException e) {
            arena.close();
            throw new ModelFileException(
                    "model file must be readable: reason=" + e.getClass().getSimpleName() + ", file=" + path, e);
        } catch (Throwable e) {
            arena.close();
            throw e;
        }
    }

    /// Checks the contents of a file, which lie in memory of `arena`: the half of {@link #open} that needs no file.
    static GgufFile parse(Path path, Arena arena, MemorySegment bytes) {
        try {
            return new GgufFile(path, arena, bytes);
        } catch (InternalError e) {
            // A read behind the new end of a file that was shortened after it had been mapped.
            throw new ModelFileException("model file must not change while it is read: file=" + path, e);
        }
    }

    @Override
    public Path path() {
        return path;
    }

    @Override
    public List<Path> files() {
        return List.of(path);
    }

    /// Where in the file a tensor of it begins.
    public long offset(Tensor tensor) {
        return tensor.data().address() - start;
    }

    public int version() {
        return version;
    }

    @Override
    public ModelMetadata metadata() {
        return metadata;
    }

    @Override
    public List<Tensor> tensors() {
        return tensors;
    }

    @Override
    public Optional<Tensor> find(String name) {
        return Optional.ofNullable(byName.get(name));
    }

    /// Unmaps the file. Closing twice is allowed.
    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }

    /// Refuses a file whose size is not that with which it was mapped.
    static void requireSize(FileChannel channel, long bytes, Path path) throws IOException {
        long now = channel.size();
        if (now != bytes) {
            throw new ModelFileException("model file must not change while it is read: bytesBefore=" + bytes
                    + ", bytesNow=" + now + ", file=" + path);
        }
    }

    /// Before a file is opened, for opening a pipe waits until somebody writes into it.
    static void requireRegular(Path path) {
        if (Files.exists(path) && !Files.isRegularFile(path)) {
            String found = Files.isDirectory(path) ? "directory" : "special file";
            throw new ModelFileException("model must be a regular file: found=" + found + ", file=" + path);
        }
    }

    static MemorySegment map(FileChannel channel, Path path, Arena arena) throws IOException {
        long size = channel.size();
        if (size == 0) {
            throw new ModelFileException("model file must not be empty: bytes=0, file=" + path);
        }
        try {
            return channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena);
        } catch (IOException e) {
            throw new ModelFileException(
                    "model file must fit the address space: bytes=" + size + ", reason="
                            + GgufCursor.printable(String.valueOf(e.getMessage())) + ", file=" + path,
                    e);
        }
    }

    private static void checkMagic(GgufCursor cursor) {
        int magic = cursor.int32("magic");
        if (magic != MAGIC) {
            throw cursor.refusal("file must start with the bytes GGUF", "found=" + asText(magic), 0);
        }
    }

    private static int version(GgufCursor cursor) {
        long at = cursor.position();
        int version = cursor.int32("version");
        int swapped = Integer.reverseBytes(version);
        if (swapped >= 1 && swapped <= MAX_VERSION) {
            throw cursor.refusal("file must be little-endian", "byteOrder=big-endian, version=" + swapped, at);
        }
        if (version < MIN_VERSION || version > MAX_VERSION) {
            throw cursor.refusal(
                    "version must be " + MIN_VERSION + " or " + MAX_VERSION,
                    "version=" + Integer.toUnsignedString(version),
                    at);
        }
        return version;
    }

    /// Four bytes as a user may recognise them: "PK..", "GGML", "# He".
    private static String asText(int magic) {
        var text = new StringBuilder("\"");
        for (int i = 0; i < 4; i++) {
            int c = magic >>> 8 * i & 0xff;
            if (c >= 0x20 && c < 0x7f) {
                text.append((char) c);
            } else {
                text.append(String.format("\\x%02x", c));
            }
        }
        return text.append('"').toString();
    }
}
