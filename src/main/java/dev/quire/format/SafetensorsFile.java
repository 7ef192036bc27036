package dev.quire.format;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/// A mapped safetensors file: its tensors, by the names it gives them, as slices of the mapping. What they mean, the
/// folder around it says ({@link HuggingFaceFolder}).
///
/// Nothing in the file is trusted: {@link #open} checks everything before it returns ({@link SafetensorsHeader}).
///
/// - `tensors`: in the order of their data
/// - `bytes`: of the file
record SafetensorsFile(Path path, List<StoredTensor> tensors, long bytes) {
    /// Maps and checks a file; it stays open as long as `files`.
    static SafetensorsFile open(Path path, OpenFiles files) {
        OpenFile bytes = files.open(path);
        try {
            return parse(bytes);
        } finally {
            bytes.requireSize();
        }
    }

    /// Checks the contents of a file: the half of {@link #open} that needs no file.
    static SafetensorsFile parse(FileBytes bytes) {
        return new SafetensorsFile(bytes.path(), SafetensorsHeader.read(bytes), bytes.size());
    }

    /// Whether the file at `path` starts as one of this format does; what cannot be read does not.
    static boolean isAt(Path path) {
        if (!Files.isRegularFile(path)) {
            return false;
        }
        try (var in = Files.newInputStream(path)) {
            byte[] start = in.readNBytes(Long.BYTES + 1);
            long length = ByteBuffer.wrap(Arrays.copyOf(start, Long.BYTES))
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .getLong();
            return start.length == Long.BYTES + 1
                    && start[Long.BYTES] == '{'
                    && length > 0
                    && length <= SafetensorsHeader.MAX_HEADER_BYTES;
        } catch (IOException e) {
            return false; // GgufFile says why it cannot be read
        }
    }
}
