package dev.quire.format;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/// A model file's bytes that lie in memory and in no file.
record MemoryBytes(Path path, MemorySegment mapped) implements FileBytes {
    @Override
    public void read(long offset, byte[] to, int start, int length) {
        MemorySegment.copy(mapped, offset, MemorySegment.ofArray(to), start, length);
    }
}
