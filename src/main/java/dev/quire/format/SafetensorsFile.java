package dev.quire.format;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
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
    /// Maps and checks a file; it stays mapped as long as `arena`.
    static SafetensorsFile open(Path path, Arena arena) {
        GgufFile.requireRegular(path);
        try (var channel = FileChannel.open(path, StandardOpenOption.READ)) {
            MemorySegment bytes = GgufFile.map(channel, path, arena);
            try {
                return parse(path, bytes);
            } finally {
                // Whatever was found, of a file that another process still writes it means nothing.
                GgufFile.requireSize(channel, bytes.byteSize(), path);
            }
        } catch (IOException e) {
            throw new ModelFileException(
                    "model file must be readable: reason=" + e.getClass().getSimpleName() + ", file=" + path, e);
        }
    }

    /// Checks the contents of a file: the half of {@link #open} that needs no file.
    static SafetensorsFile parse(Path path, MemorySegment bytes) {
        try {
            return new SafetensorsFile(path, SafetensorsHeader.read(path, bytes), bytes.byteSize());
        } catch (InternalError e) {
            // A read behind the new end of a file that was shortened after it had been mapped.
            throw new ModelFileException("model file must not change while it is read: file=" + path, e);
        }
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
