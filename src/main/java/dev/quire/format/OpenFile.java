package dev.quire.format;

import java.io.EOFException;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.AccessMode;
import java.nio.file.Path;

/// A file that stays open and mapped until it is closed.
///
/// Thread-safe: reads take turns. They are those of a {@link RandomAccessFile}, because an interrupt closes a channel
/// in which a thread reads, for all threads.
final class OpenFile implements FileBytes, AutoCloseable {
    private final Path path;
    private final RandomAccessFile file;
    private final MemorySegment mapped;

    /// Maps a regular file, as long as `arena`.
    OpenFile(Path path, Arena arena) throws IOException {
        this.path = path;
        // Says more than the next line's refusal, which knows only that there is no such file or none for us.
        path.getFileSystem().provider().checkAccess(path, AccessMode.READ);
        this.file = new RandomAccessFile(path.toFile(), "r");
        try {
            this.mapped = map(arena);
        } catch (Throwable e) {
            file.close();
            throw e;
        }
    }

    private MemorySegment map(Arena arena) throws IOException {
        long size = file.length();
        if (size == 0) {
            throw new ModelFileException("model file must not be empty: bytes=0, file=" + path);
        }
        try {
            return file.getChannel().map(FileChannel.MapMode.READ_ONLY, 0, size, arena);
        } catch (IOException e) {
            throw new ModelFileException(
                    "model file must fit the address space: bytes=" + size + ", reason="
                            + ModelFileException.printable(String.valueOf(e.getMessage())) + ", file=" + path,
                    e);
        }
    }

    @Override
    public Path path() {
        return path;
    }

    @Override
    public MemorySegment mapped() {
        return mapped;
    }

    @Override
    public synchronized void read(long offset, byte[] to, int start, int length) {
        try {
            file.seek(offset);
            file.readFully(to, start, length);
        } catch (EOFException e) {
            throw changed();
        } catch (IOException e) {
            if (!mapped.scope().isAlive()) {
                throw new IllegalStateException("model file must be open to be read: file=" + path, e);
            }
            throw unreadable(path, e);
        }
    }

    /// Refuses a file whose size is not that with which it was mapped: whatever was found in a file that another
    /// process still writes means nothing.
    void requireSize() {
        long now;
        try {
            now = file.length();
        } catch (IOException e) {
            throw unreadable(path, e);
        }
        if (now != size()) {
            throw new ModelFileException("model file must not change while it is read: bytesBefore=" + size()
                    + ", bytesNow=" + now + ", file=" + path);
        }
    }

    /// Ends reads; the mapping ends with its arena.
    @Override
    public void close() throws IOException {
        file.close();
    }

    static ModelFileException unreadable(Path path, IOException e) {
        return new ModelFileException(
                "model file must be readable: reason=" + e.getClass().getSimpleName() + ", file=" + path, e);
    }
}
