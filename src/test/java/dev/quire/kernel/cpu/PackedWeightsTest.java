package dev.quire.kernel.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.kernel.Batch;
import dev.quire.kernel.CacheType;
import dev.quire.kernel.KernelFaultException;
import dev.quire.kernel.Packing;
import dev.quire.tensor.Tensor;
import dev.quire.tensor.TensorType;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Weights in a file that outlives the process: the same bits wherever they lie, and no trust in what is found.
class PackedWeightsTest {
    private static final int[] TOKENS = TinyModel.tokens(3, 40);

    @TempDir
    Path folder;

    /// What one process did with its weights, and what it computed.
    private record Outcome(Packing packing, float[] logits) {}

    private static CpuKernels open(Path file) {
        return CpuKernels.open(TinyModel.SHAPE, TinyModel.LIMITS, 2, "auto", CacheType.AUTO, file, 0);
    }

    private static float[] logits(CpuKernels kernels) {
        return TinyModel.prefill(kernels, new Batch(TinyModel.LIMITS), TOKENS, 40, TinyModel.blocks(0, 1), 40);
    }

    private static Outcome run(Path file, TensorType type, long seed) {
        try (CpuKernels kernels = open(file)) {
            new TinyModel(type, seed).load(kernels);
            return new Outcome(kernels.packing(), logits(kernels));
        }
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile).toList();
        }
    }

    @Test
    void bind_fileMissingThenThere_givesTheBitsOfWeightsInMemory() throws IOException {
        Path file = folder.resolve("packed/model.pack");
        for (TensorType type : TensorType.values()) {
            Outcome memory = run(null, type, 5);
            Outcome written = run(file, type, 5);
            Outcome mapped = run(file, type, 5);
            assertEquals(Packing.Kind.MEMORY, memory.packing.kind());
            assertEquals(Packing.Kind.WRITTEN, written.packing.kind());
            assertEquals(Packing.Kind.MAPPED, mapped.packing.kind());
            assertArrayEquals(memory.logits, written.logits, 0);
            assertArrayEquals(memory.logits, mapped.logits, 0);
            assertEquals(List.of(file), files(), "nothing else is left");
            assertEquals(PackedFile.HEADER_BYTES + mapped.packing.bytes(), Files.size(file));
            Files.delete(file);
        }
    }

    /// The file's name stands for the model's contents; types, names and shapes are compared all the same.
    @Test
    void bind_fileOfOtherWeights_isReplaced() {
        Path file = folder.resolve("model.pack");
        run(file, TensorType.Q8_0, 5);
        assertEquals(Packing.Kind.WRITTEN, run(file, TensorType.F16, 5).packing.kind());
        assertArrayEquals(run(null, TensorType.F16, 5).logits, run(file, TensorType.F16, 5).logits, 0);
    }

    @Test
    void bind_damagedFile_isReplaced() throws IOException {
        Path file = folder.resolve("model.pack");
        float[] expected = run(file, TensorType.Q8_0, 5).logits;
        long size = Files.size(file);
        for (long length : new long[] {0, 1, 31, 4095, 4096, size - 1, size + 1}) {
            try (var channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                channel.truncate(Math.min(length, channel.size()));
                if (length > channel.size()) {
                    channel.write(java.nio.ByteBuffer.allocate(1), length - 1);
                }
            }
            Outcome outcome = run(file, TensorType.Q8_0, 5);
            assertEquals(Packing.Kind.WRITTEN, outcome.packing.kind(), "length=" + length);
            assertArrayEquals(expected, outcome.logits, 0);
        }
    }

    @Test
    void bind_folderThatCannotBe_packsIntoMemoryAndSaysWhy() throws IOException {
        Path notAFolder = Files.createFile(folder.resolve("file"));
        Outcome outcome = run(notAFolder.resolve("model.pack"), TensorType.Q8_0, 5);
        assertEquals(Packing.Kind.MEMORY, outcome.packing.kind());
        assertTrue(outcome.packing.reason().contains(notAFolder.toString()), outcome.packing.reason());
        assertArrayEquals(run(null, TensorType.Q8_0, 5).logits, outcome.logits, 0);
    }

    @Test
    void bind_fewWeights_makeNoFile() throws IOException {
        Path file = folder.resolve("model.pack");
        try (CpuKernels kernels = CpuKernels.open(TinyModel.SHAPE, TinyModel.LIMITS, 1, "auto", CacheType.AUTO, file)) {
            new TinyModel(TensorType.Q8_0, 5).load(kernels);
            assertEquals(Packing.Kind.MEMORY, kernels.packing().kind());
        }
        assertFalse(Files.exists(file));
    }

    /// Whoever shortens the file of a running server gets a refusal of the next step, not the end of the process.
    @Test
    void endStep_fileShortenedWhileMapped_isAFault() throws IOException {
        Path file = folder.resolve("model.pack");
        run(file, TensorType.F32, 5);
        try (CpuKernels kernels = open(file)) {
            new TinyModel(TensorType.F32, 5).load(kernels);
            logits(kernels);
            try (var channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                channel.truncate(PackedFile.HEADER_BYTES);
            }
            var e = assertThrows(KernelFaultException.class, () -> logits(kernels));
            assertEquals(
                    "the file of packed weights must not become shorter while it is mapped: file=" + file,
                    e.getMessage());
        }
    }

    @Test
    void bind_modelFileShortenedWhileItIsPacked_isRefused() throws IOException {
        Path source = folder.resolve("weights");
        Files.write(source, new byte[1 << 20]);
        try (Arena arena = Arena.ofShared();
                var channel = FileChannel.open(source, StandardOpenOption.READ, StandardOpenOption.WRITE);
                CpuKernels kernels = open(folder.resolve("model.pack"))) {
            var data = channel.map(FileChannel.MapMode.READ_ONLY, 0, 1 << 20, arena);
            kernels.weight(new Tensor("blk.0.ffn_up.weight", TensorType.F32, 512, 512, data));
            channel.truncate(100);
            var e = assertThrows(IllegalStateException.class, () -> new TinyModel(TensorType.F32, 5).load(kernels));
            assertEquals("model file must not change while it is read: tensor=blk.0.ffn_up.weight", e.getMessage());
            assertEquals(List.of(source), files(), "nothing half written is left");
        }
    }
}
