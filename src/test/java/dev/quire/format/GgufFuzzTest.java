package dev.quire.format;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.quire.tensor.Tensor;
import dev.quire.tensor.TensorType;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Damaged files: {@link GgufFile#open} gives a file whose tensors are readable to their last byte, or a
/// {@link ModelFileException} of one line; never another exception, never much memory.
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class GgufFuzzTest {
    private static final int MUTANTS = 1_000;

    /// Allocated bytes for one file of less than 1 KiB. Measured at most 213 KiB; what must not happen is memory
    /// in proportion to a claimed count.
    private static final long MAX_ALLOCATED_BYTES = 1 << 20;

    private static final long[] NASTY = {
        0,
        1,
        -1,
        1L << 60,
        1L << 31,
        1L << 32,
        (1L << 31) - 1,
        Long.MAX_VALUE,
        Long.MIN_VALUE,
        1L << 24,
        1L << 22,
        65_536
    };

    @TempDir
    Path folder;

    private static byte[] seedFile() {
        return new GgufWriter()
                .string("general.architecture", "llama")
                .uint32("general.alignment", 32)
                .uint64("big", 1L << 40)
                .float32("eps", 1e-5f)
                .bool("flag", true)
                .strings("tokens", "a", "bc", "größer")
                .int32s("types", 1, 2, 3)
                .float32s("scores", 0, 1, 2)
                .bools("flags", true, false)
                .floats("norm", new float[] {1, 2, 3, 4}, 4)
                .tensor("half", TensorType.F16, new byte[24], 3, 4)
                .tensor("q4", TensorType.Q4_1, new byte[80], 64, 2)
                .tensor("q8", TensorType.Q8_0, new byte[68], 32, 2)
                .bytes();
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void open_mutant_opensOrIsRefused(long seed) throws IOException {
        byte[] whole = seedFile();
        var random = new Random(seed);
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        int opened = 0;
        Path path = folder.resolve("mutant.gguf");
        for (int i = 0; i < MUTANTS; i++) {
            Files.write(path, mutant(whole, random));
            String which = "seed=" + seed + ", mutant=" + i;
            long before = threads.getCurrentThreadAllocatedBytes();
            boolean open = opens(path, which);
            long allocated = threads.getCurrentThreadAllocatedBytes() - before;
            // The first ones load classes.
            assertTrue(i < 20 || allocated < MAX_ALLOCATED_BYTES, () -> which + ", allocated=" + allocated);
            opened += open ? 1 : 0;
        }
        assertTrue(opened > MUTANTS / 20 && opened < MUTANTS * 19 / 20, "both must happen: opened=" + opened);
    }

    /// Every byte of the file takes eight values: each rule on a single byte is met.
    @ParameterizedTest
    @ValueSource(ints = {0x00, 0x01, 0x08, 0x09, 0x7f, 0x80, 0xc3, 0xff})
    void open_oneByteReplaced_opensOrIsRefused(int value) throws IOException {
        byte[] whole = seedFile();
        Path path = folder.resolve("mutant.gguf");
        for (int offset = 0; offset < whole.length; offset++) {
            byte[] bytes = whole.clone();
            bytes[offset] = (byte) value;
            Files.write(path, bytes);
            opens(path, "offset=" + offset);
        }
    }

    private static byte[] mutant(byte[] whole, Random random) {
        byte[] bytes = whole.clone();
        int changes = 1 + random.nextInt(3);
        for (int i = 0; i < changes; i++) {
            switch (random.nextInt(4)) {
                case 0 -> bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
                case 1 -> bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
                case 2 ->
                    ByteBuffer.wrap(bytes)
                            .order(ByteOrder.LITTLE_ENDIAN)
                            .putLong(random.nextInt(bytes.length - 8), NASTY[random.nextInt(NASTY.length)]);
                default -> {
                    int from = random.nextInt(bytes.length - 16);
                    int to = random.nextInt(bytes.length - 16);
                    System.arraycopy(bytes, from, bytes, to, random.nextInt(16));
                }
            }
        }
        return bytes;
    }

    private static boolean opens(Path path, String which) {
        try (var file = GgufFile.open(path)) {
            for (Tensor tensor : file.tensors()) {
                tensor.data().get(ValueLayout.JAVA_BYTE, tensor.data().byteSize() - 1);
            }
            return true;
        } catch (ModelFileException e) {
            assertEquals(1, e.getMessage().lines().count(), which);
            assertTrue(e.getMessage().contains("file=" + path), () -> which + ", message=" + e.getMessage());
            return false;
        }
    }
}
