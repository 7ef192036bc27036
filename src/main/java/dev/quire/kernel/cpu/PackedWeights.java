package dev.quire.kernel.cpu;

import dev.quire.kernel.KernelFaultException;
import dev.quire.kernel.Packing;
import dev.quire.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.zip.CRC32;

/// A model's weights in the layout that the kernels stream: packed once into a file that later processes map, or into
/// memory where no file is asked for, the weights are few, or none can be written.
///
/// Packing is cut into chunks of rows, which the cores share; a chunk's bytes depend on nothing else. Mapped bytes
/// are guarded: if the file becomes shorter they read as zero, and {@link #requireWhole} says so.
///
/// Not thread-safe: the engine thread owns it.
final class PackedWeights implements AutoCloseable {
    /// Below this, packing takes no longer than a file costs in trouble: about 30 ms at 500 MB/s.
    static final long MIN_FILE_BYTES = 16L << 20;

    /// Source bytes of a chunk, about: small enough to share out, large enough to be written in one go.
    private static final long CHUNK_BYTES = 4L << 20;

    private static final int TILE_ROWS = 16;

    private final Path file; // null: memory only
    private final long minFileBytes;
    private final int layout;
    private final List<Tensor> tensors = new ArrayList<>();
    private final List<Long> offsets = new ArrayList<>();
    private long bytes;
    private PackedFile mapped;
    private HostMemory memory;
    private int guard = -1;
    private Thread moving; // null: bytes stay where they are
    private String reason = "";

    private record Chunk(int tensor, long firstRow, long rows) {}

    PackedWeights(Path file, long minFileBytes, int isa) {
        this.file = file;
        this.minFileBytes = minFileBytes;
        this.layout = CpuKernels.checkSize(QuireCpu.quire_pack_layout(isa));
    }

    /// Takes a weight in and returns its id.
    int add(Tensor tensor) {
        if (memory != null || mapped != null) {
            throw new IllegalStateException("weights must come before they are packed: tensor=" + tensor.name());
        }
        long size =
                CpuKernels.checkSize(QuireCpu.quire_packed_bytes(tensor.type().id(), tensor.rows(), tensor.columns()));
        tensors.add(tensor);
        offsets.add(bytes);
        bytes = Math.addExact(bytes, size);
        return tensors.size() - 1;
    }

    /// Packs what was added, or maps what an earlier process packed, and registers it with the context.
    Packing load(long context) {
        Packing packing = mapOrPack();
        MemorySegment packed = mapped == null ? memory.segment() : mapped.bytes();
        for (int id = 0; id < tensors.size(); id++) {
            Tensor tensor = tensors.get(id);
            CpuKernels.checkSize(QuireCpu.quire_weight(
                    context, tensor.type().id(), tensor.rows(), tensor.columns(), packed.address() + offsets.get(id)));
        }
        if (mapped != null) {
            guard = CpuKernels.checkSize(QuireCpu.quire_guard(packed.address(), bytes));
        }
        return packing;
    }

    private Packing mapOrPack() {
        if (file != null && bytes >= minFileBytes) {
            var header = new PackedFile.Header(layout, checksum(), bytes);
            mapped = PackedFile.open(file, header);
            if (mapped != null) {
                return new Packing(Packing.Kind.MAPPED, file, bytes, "");
            }
            try {
                mapped = PackedFile.create(file, header, this::packInto);
                return new Packing(Packing.Kind.WRITTEN, file, bytes, "");
            } catch (IOException e) {
                reason = e.toString();
            }
        }
        memory = HostMemory.allocate(bytes);
        pack((chunk, source) -> packChunk(chunk, source, memory.segment().address() + destination(chunk)));
        return new Packing(Packing.Kind.MEMORY, file, bytes, reason);
    }

    /// Of what the packed bytes depend on beside the tensors' contents, which the file's name stands for.
    private long checksum() {
        CRC32 checksum = new CRC32();
        for (Tensor tensor : tensors) {
            String line = tensor.name() + " " + tensor.type() + " " + tensor.rows() + " " + tensor.columns() + "\n";
            checksum.update(line.getBytes(StandardCharsets.UTF_8));
        }
        return checksum.getValue();
    }

    private void packInto(FileChannel channel, long start) throws IOException {
        try {
            pack((chunk, source) -> {
                long size = packedBytes(chunk.tensor, chunk.rows);
                HostMemory buffer = HostMemory.allocate(size);
                try {
                    packChunk(chunk, source, buffer.segment().address());
                    PackedFile.writeFully(channel, buffer.segment().asByteBuffer(), start + destination(chunk));
                } finally {
                    buffer.free();
                }
            });
        } catch (WriteFailure e) {
            throw e.cause;
        }
    }

    /// Carries an {@link IOException} from a worker.
    private static final class WriteFailure extends RuntimeException {
        private static final long serialVersionUID = 1;
        private final transient IOException cause;

        WriteFailure(IOException cause) {
            super(cause);
            this.cause = cause;
        }
    }

    private interface Work {
        void run(Chunk chunk, MemorySegment source) throws IOException;
    }

    /// Runs `work` on every chunk, on as many threads as the process may use cores.
    private void pack(Work work) {
        List<Chunk> chunks = chunks();
        AtomicInteger next = new AtomicInteger();
        AtomicReference<RuntimeException> failure = new AtomicReference<>();
        Runnable worker = () -> {
            for (int i; failure.get() == null && (i = next.getAndIncrement()) < chunks.size(); ) {
                try {
                    work.run(chunks.get(i), source(chunks.get(i)));
                } catch (IOException e) {
                    failure.compareAndSet(null, new WriteFailure(e));
                } catch (RuntimeException e) {
                    failure.compareAndSet(null, e);
                }
            }
        };
        List<Thread> threads = new ArrayList<>();
        for (int i = 1; i < Math.min(QuireCpu.quire_cores(), chunks.size()); i++) {
            threads.add(Thread.ofPlatform().name("quire-pack-" + i).daemon().start(worker));
        }
        worker.run();
        threads.forEach(PackedWeights::join);
        if (failure.get() != null) {
            throw failure.get();
        }
    }

    private List<Chunk> chunks() {
        List<Chunk> chunks = new ArrayList<>();
        for (int id = 0; id < tensors.size(); id++) {
            Tensor tensor = tensors.get(id);
            long rowBytes = tensor.type().rowBytes(tensor.columns());
            long step = Math.max(TILE_ROWS, CHUNK_BYTES / rowBytes / TILE_ROWS * TILE_ROWS);
            for (long row = 0; row < tensor.rows(); row += step) {
                chunks.add(new Chunk(id, row, Math.min(step, tensor.rows() - row)));
            }
        }
        return chunks;
    }

    private MemorySegment source(Chunk chunk) {
        Tensor tensor = tensors.get(chunk.tensor);
        long rowBytes = tensor.type().rowBytes(tensor.columns());
        return tensor.data().asSlice(chunk.firstRow * rowBytes, chunk.rows * rowBytes);
    }

    private void packChunk(Chunk chunk, MemorySegment source, long destination) {
        if (!source.isNative()) {
            try (Arena arena = Arena.ofConfined()) {
                MemorySegment copy = arena.allocate(source.byteSize(), Long.BYTES);
                packNative(chunk, copy.copyFrom(source), destination);
            }
            return;
        }
        int sourceGuard = CpuKernels.checkSize(QuireCpu.quire_guard(source.address(), source.byteSize()));
        try {
            packNative(chunk, source, destination);
            if (QuireCpu.quire_guard_lost(sourceGuard) != 0) {
                throw new IllegalStateException("model file must not change while it is read: tensor="
                        + tensors.get(chunk.tensor).name());
            }
        } finally {
            QuireCpu.quire_unguard(sourceGuard);
        }
    }

    private void packNative(Chunk chunk, MemorySegment source, long destination) {
        Tensor tensor = tensors.get(chunk.tensor);
        CpuKernels.check(
                QuireCpu.quire_pack(tensor.type().id(), chunk.rows, tensor.columns(), source.address(), destination));
    }

    private long destination(Chunk chunk) {
        long before = chunk.firstRow == 0 ? 0 : packedBytes(chunk.tensor, chunk.firstRow);
        return offsets.get(chunk.tensor) + before;
    }

    private long packedBytes(int id, long rows) {
        Tensor tensor = tensors.get(id);
        return CpuKernels.checkSize(QuireCpu.quire_packed_bytes(tensor.type().id(), rows, tensor.columns()));
    }

    /// Moves mapped bytes to memory of large pages, on a thread of its own, if they are no more than `most`: decoding
    /// streams them faster than the page cache's small pages (quire_kernels.h).
    void moveToLargePages(long most) {
        if (mapped == null || moving != null || bytes > most) {
            return;
        }
        long address = mapped.bytes().address();
        moving = Thread.ofPlatform()
                .name("quire-large-pages")
                .daemon()
                .start(() -> QuireCpu.quire_large_pages(address, bytes));
    }

    private static void join(Thread thread) {
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true; // what it works on must outlive it
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /// Throws once bytes were read that the file no longer has.
    void requireWhole() {
        if (guard >= 0 && QuireCpu.quire_guard_lost(guard) != 0) {
            throw new KernelFaultException(
                    "the file of packed weights must not become shorter while it is mapped: file=" + file);
        }
    }

    /// Waits until a file that was written has its name.
    void awaitStored() {
        if (mapped != null) {
            mapped.awaitStored();
        }
    }

    @Override
    public void close() {
        if (moving != null) {
            join(moving);
        }
        if (guard >= 0) {
            QuireCpu.quire_unguard(guard);
            guard = -1;
        }
        if (mapped != null) {
            mapped.close();
        }
        if (memory != null) {
            memory.free();
        }
    }
}
