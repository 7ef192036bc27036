package dev.quire.kernel.cpu;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.ThreadLocalRandom;

/// A file of packed weights, mapped: a header of one page, then the bytes.
///
/// A file has its name only when it is whole: it is written under another one, brought to the disk, and renamed in
/// one step. The last two happen on a thread of their own, since the bytes can be used before.
///
/// Owned by the thread that opened it.
final class PackedFile implements AutoCloseable {
    /// A page, so that the bytes begin on one.
    static final int HEADER_BYTES = 4096;

    private static final long MAGIC = 0x4b43415045524951L; // "QIREPACK", little-endian
    private static final String UNFINISHED = ".unfinished-";

    /// What a killed process left behind is removed after this time.
    private static final Duration LEFTOVER_AGE = Duration.ofHours(1);

    private final Arena arena = Arena.ofShared();
    private final MemorySegment mapped;
    private final Thread storing; // null where the file was there

    private PackedFile(FileChannel channel, long bytes, Thread storing) throws IOException {
        this.storing = storing;
        try {
            mapped = channel.map(FileChannel.MapMode.READ_ONLY, HEADER_BYTES, bytes, arena);
        } catch (IOException | RuntimeException e) {
            arena.close();
            throw e;
        }
    }

    /// Writes `bytes` packed bytes, in whatever order.
    interface Content {
        void writeTo(FileChannel channel, long start) throws IOException;
    }

    /// What the header says of the bytes: all of it must be as expected for a file to be used.
    ///
    /// @param layout number of the packed layout
    /// @param tensors checksum of names, types and shapes, in order
    /// @param bytes behind the header
    record Header(int layout, long tensors, long bytes) {
        private ByteBuffer encoded() {
            ByteBuffer buffer = ByteBuffer.allocate(HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
            buffer.putLong(MAGIC).putInt(layout).putLong(tensors).putLong(bytes);
            return buffer.rewind();
        }
    }

    /// Maps `file`; null where there is none that fits the header, whatever the reason.
    static PackedFile open(Path file, Header header) {
        try (var channel = FileChannel.open(file, StandardOpenOption.READ)) {
            ByteBuffer found = ByteBuffer.allocate(HEADER_BYTES);
            while (found.hasRemaining() && channel.read(found) >= 0) {
                // A short file leaves the buffer short.
            }
            boolean fits = channel.size() == HEADER_BYTES + header.bytes()
                    && found.rewind().equals(header.encoded());
            return fits ? new PackedFile(channel, header.bytes(), null) : null;
        } catch (IOException e) {
            return null;
        }
    }

    /// Makes `file` and maps it. On failure (a full or read-only disk) nothing is left behind.
    static PackedFile create(Path file, Header header, Content content) throws IOException {
        Files.createDirectories(file.getParent());
        removeLeftovers(file.getParent());
        Path unfinished = file.resolveSibling(
                UNFINISHED + Long.toHexString(ThreadLocalRandom.current().nextLong()));
        var channel = FileChannel.open(
                unfinished, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE);
        try {
            content.writeTo(channel, HEADER_BYTES);
            writeFully(channel, header.encoded(), 0);
            Thread storing =
                    Thread.ofPlatform().name("quire-pack").daemon().unstarted(() -> store(channel, unfinished, file));
            PackedFile packed = new PackedFile(channel, header.bytes(), storing);
            storing.start();
            return packed;
        } catch (IOException | RuntimeException | Error e) {
            channel.close();
            Files.deleteIfExists(unfinished);
            throw e;
        }
    }

    static void writeFully(FileChannel channel, ByteBuffer bytes, long position) throws IOException {
        for (long at = position; bytes.hasRemaining(); ) {
            at += channel.write(bytes, at);
        }
    }

    private static void store(FileChannel channel, Path unfinished, Path file) {
        try (channel) {
            // Whoever writes into it would change the answers of every server that has it mapped.
            Files.setPosixFilePermissions(unfinished, PosixFilePermissions.fromString("r--r--r--"));
            channel.force(true); // after a power failure the name must not stand for zeros
            Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            // The mapping works without a name; the next process packs again.
            try {
                Files.deleteIfExists(unfinished);
            } catch (IOException again) {
                throw new UncheckedIOException(again);
            }
        }
    }

    private static void removeLeftovers(Path folder) throws IOException {
        FileTime oldest = FileTime.from(Instant.now().minus(LEFTOVER_AGE));
        try (DirectoryStream<Path> leftovers = Files.newDirectoryStream(folder, UNFINISHED + "*")) {
            for (Path leftover : leftovers) {
                if (Files.getLastModifiedTime(leftover).compareTo(oldest) < 0) {
                    Files.deleteIfExists(leftover);
                }
            }
        }
    }

    MemorySegment bytes() {
        return mapped;
    }

    /// Waits until the file has its name, or could not get it.
    void awaitStored() {
        if (storing == null) {
            return;
        }
        try {
            storing.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        awaitStored();
        arena.close();
    }
}
