package dev.quire.format;

import dev.quire.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/// The files of one model, open together, and what was made from them: closed together.
///
/// Thread-safe once all files are there.
final class OpenFiles implements AutoCloseable {
    /// Vectors and rows that Java looks at have a few megabytes at most.
    private static final long MAX_READ_BYTES = 1 << 30;

    private final Arena arena = Arena.ofShared();
    private final List<OpenFile> opened = new ArrayList<>();
    private final TreeMap<Long, FileBytes> byAddress = new TreeMap<>(); // of the first byte

    /// Opens and maps a regular file.
    OpenFile open(Path path) {
        requireRegular(path);
        try {
            var file = new OpenFile(path, arena);
            opened.add(file);
            add(file);
            return file;
        } catch (IOException e) {
            throw OpenFile.unreadable(path, e);
        }
    }

    /// Takes bytes among those that {@link #read} finds.
    void add(FileBytes bytes) {
        byAddress.put(bytes.mapped().address(), bytes);
    }

    /// Memory that lasts as long as the files are open.
    Arena arena() {
        return arena;
    }

    /// A copy of what `mapped`, a part of a file's mapping, stands for.
    byte[] read(MemorySegment mapped) {
        long bytes = mapped.byteSize();
        if (bytes == 0) {
            return new byte[0]; // of a file that it may only touch
        }
        FileBytes file = byAddress.floorEntry(mapped.address()).getValue();
        if (bytes > MAX_READ_BYTES) {
            throw new ModelFileException("what is read at once must not exceed its bound: bytes=" + bytes + ", bound="
                    + MAX_READ_BYTES + ", file=" + file.path());
        }
        var copy = new byte[(int) bytes];
        file.read(mapped.address() - file.mapped().address(), copy, 0, copy.length);
        return copy;
    }

    /// The tensor with a copy of its bytes, or itself where they are no file's.
    Tensor read(Tensor tensor) {
        MemorySegment data = tensor.data();
        if (!isMapped(data)) {
            return tensor;
        }
        return new Tensor(
                tensor.name(), tensor.type(), tensor.rows(), tensor.columns(), MemorySegment.ofArray(read(data)));
    }

    private boolean isMapped(MemorySegment data) {
        if (!data.isNative()) {
            return false;
        }
        var before = byAddress.floorEntry(data.address());
        return before != null
                && data.address() - before.getKey() < before.getValue().size();
    }

    /// Closing twice is allowed.
    @Override
    public void close() {
        if (!arena.scope().isAlive()) {
            return;
        }
        arena.close();
        for (OpenFile file : opened) {
            try {
                file.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /// Before a file is opened, for opening a pipe waits until somebody writes into it.
    private static void requireRegular(Path path) {
        if (Files.exists(path) && !Files.isRegularFile(path)) {
            String found = Files.isDirectory(path) ? "directory" : "special file";
            throw new ModelFileException("model must be a regular file: found=" + found + ", file=" + path);
        }
    }
}
