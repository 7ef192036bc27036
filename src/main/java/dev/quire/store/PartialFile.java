package dev.quire.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.BitSet;

/// A file that is being fetched in ranges, and a record beside it of the ranges that are there, so that a later
/// process goes on where this one was stopped.
///
/// The record is a line that says what is being fetched, then a byte for each range: 1 once its bytes are written.
/// After a power failure the record may know more than the disk: the checksum at the end is what counts.
///
/// Thread-safe: ranges lie in different places, and the set of those that are there has a lock.
final class PartialFile implements AutoCloseable {
    private static final int HEAD_BYTES = 256;

    private final Path part;
    private final Path record;
    private final FileChannel data;
    private final FileChannel marks;
    private final long bytes;
    private final long rangeBytes;
    private final BitSet done = new BitSet();

    /// Opens what is there of `target`, or begins. `identity` tells contents apart: what another one left is dropped.
    PartialFile(Path target, String identity, long bytes, long rangeBytes) throws IOException {
        this.part = target.resolveSibling("." + target.getFileName() + ".part");
        this.record = target.resolveSibling("." + target.getFileName() + ".ranges");
        this.bytes = bytes;
        this.rangeBytes = rangeBytes;
        String head = identity + " " + bytes + " " + rangeBytes + "\n";
        data = FileChannel.open(part, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        marks = FileChannel.open(record, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        ByteBuffer expected = ByteBuffer.allocate(HEAD_BYTES).put(head.getBytes(StandardCharsets.UTF_8));
        ByteBuffer found = ByteBuffer.allocate(HEAD_BYTES);
        marks.read(found, 0);
        if (found.rewind().equals(expected.rewind())) {
            readMarks();
        } else {
            begin(expected);
        }
    }

    private void readMarks() throws IOException {
        ByteBuffer found = ByteBuffer.allocate(ranges());
        marks.read(found, HEAD_BYTES);
        for (int range = 0; range < ranges(); range++) {
            done.set(range, found.get(range) == 1 && end(range) <= data.size());
        }
    }

    private void begin(ByteBuffer head) throws IOException {
        data.truncate(0);
        marks.truncate(0);
        marks.write(head, 0);
    }

    int ranges() {
        return Math.toIntExact(Math.ceilDiv(bytes, rangeBytes));
    }

    long start(int range) {
        return range * rangeBytes;
    }

    long end(int range) {
        return Math.min(bytes, start(range) + rangeBytes);
    }

    boolean has(int range) {
        synchronized (done) {
            return done.get(range);
        }
    }

    /// Bytes that are there.
    long present() {
        synchronized (done) {
            return done.stream().mapToLong(range -> end(range) - start(range)).sum();
        }
    }

    void write(ByteBuffer buffer, long position) throws IOException {
        for (long at = position; buffer.hasRemaining(); ) {
            at += data.write(buffer, at);
        }
    }

    void mark(int range) throws IOException {
        synchronized (done) {
            done.set(range);
        }
        marks.write(ByteBuffer.wrap(new byte[] {1}), HEAD_BYTES + range);
    }

    /// Forgets everything: the bytes were not those that were wanted.
    void discard() throws IOException {
        close();
        Files.deleteIfExists(part);
        Files.deleteIfExists(record);
    }

    /// Gives the whole file its name, in one step.
    void finish(Path target) throws IOException {
        data.force(true);
        close();
        Files.move(part, target, java.nio.file.StandardCopyOption.ATOMIC_MOVE);
        Files.deleteIfExists(record);
    }

    FileChannel data() {
        return data;
    }

    @Override
    public void close() throws IOException {
        data.close();
        marks.close();
    }
}
