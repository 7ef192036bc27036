package dev.quire.format;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/// The bytes of a model file, in two ways: mapped, for native kernels, which guard themselves; and by reads, for Java.
///
/// Java must not look at the mapping. A file may become shorter while it is open, and of a look behind its new end
/// Java promises an error "at the time of the access or at some later time" ({@link java.nio.MappedByteBuffer}):
/// HotSpot goes on with whatever the memory was taken to hold, and throws an `InternalError` where compiled code next
/// polls, often after the method has returned that was to catch it. A read that finds no bytes is an ordinary result.
///
/// Thread-safe.
interface FileBytes {
    Path path();

    /// The whole file. For slices and addresses; only native code may read it.
    MemorySegment mapped();

    /// Copies `length` bytes from `offset` of the file to `to[start …]`; refuses if the file no longer has them.
    void read(long offset, byte[] to, int start, int length);

    default long size() {
        return mapped().byteSize();
    }

    /// For contents that are not what they were a moment ago.
    default ModelFileException changed() {
        return new ModelFileException("model file must not change while it is read: file=" + path());
    }
}
