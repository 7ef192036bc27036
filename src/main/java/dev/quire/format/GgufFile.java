package dev.quire.format;

import dev.quire.tensor.Tensor;
import java.nio.file.Files;
import java.nio.file.Path;
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

    private final OpenFiles files;
    private final FileBytes bytes;
    private final int version;
    private final ModelMetadata metadata;
    private final List<Tensor> tensors;
    private final Map<String, Tensor> byName;

    /// Checks what is in `bytes`, which are among `files`: the half of {@link #open} that needs no file.
    GgufFile(OpenFiles files, FileBytes bytes) {
        this.files = files;
        this.bytes = bytes;
        var cursor = new GgufCursor(bytes);
        checkMagic(cursor);
        this.version = version(cursor);
        int tensorCount =
                cursor.count("tensors of the file", GgufTensors.MIN_DESCRIPTION_BYTES, GgufTensors.MAX_TENSORS);
        int keyCount = cursor.count("metadata keys of the file", MIN_PAIR_BYTES, GgufValues.MAX_KEYS);
        var values = new GgufValues(cursor);
        this.metadata = values.read(bytes.path(), keyCount);
        this.tensors = new GgufTensors(cursor, bytes.mapped(), values.alignment()).read(tensorCount);
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
        var files = new OpenFiles();
        try {
            OpenFile bytes = files.open(path);
            try {
                return new GgufFile(files, bytes);
            } finally {
                bytes.requireSize();
            }
        } catch (Throwable e) {
            files.close();
            throw e;
        }
    }

    @Override
    public Path path() {
        return bytes.path();
    }

    @Override
    public List<Path> files() {
        return List.of(path());
    }

    /// Where in the file a tensor of it begins.
    public long offset(Tensor tensor) {
        return tensor.data().address() - bytes.mapped().address();
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

    @Override
    public Tensor read(Tensor tensor) {
        return files.read(tensor);
    }

    /// Unmaps the file. Closing twice is allowed.
    @Override
    public void close() {
        files.close();
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
