package dev.quire.format;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.quire.kernel.ModelShape;
import dev.quire.model.Architecture;
import dev.quire.model.Transformer;
import dev.quire.tensor.Dequantizer;
import dev.quire.tensor.Tensor;
import dev.quire.tensor.TensorType;
import dev.quire.tokenizer.ChatTemplate;
import dev.quire.tokenizer.Tokenizer;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Damaged files give a model or a {@link ModelFileException} of one line, at whichever step: never another exception,
/// never much memory, never a read outside. When a file opens, all of it can be read.
///
/// A build tries some, CI ten times as many; `make test-fuzz` takes `MUTANTS=number`, and `SEED` for other ones.
@Timeout(value = 1800, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class GgufFuzzTest {
    static final List<Long> seeds = LongStream.range(0, 10)
            .map(i -> Long.getLong("fuzz.seed", 1) + i)
            .boxed()
            .toList();

    /// Damaged files for each of the ten seeds.
    private static final int MUTANTS = Integer.getInteger("fuzz.mutants", 20_000) / 10;

    /// Of so many one is a real file, and of so many that open one has its template compiled, which is slow.
    private static final int RARE = 50;

    /// Heap for one file, beside {@link #BYTES_PER_FILE_BYTE} for each of its bytes: what must not happen is memory in
    /// proportion to a number in it.
    private static final long FIXED_BYTES = 64 << 10;

    private static final long BYTES_PER_FILE_BYTE = 16;

    /// The same for making a tokenizer, which has a cache and a trie of its own.
    private static final long LOADING_BYTES = 4 << 20;

    private static final long LOADING_BYTES_PER_FILE_BYTE = 64;

    private enum Depth {
        REFUSED,
        OPENED,
        LOADED
    }

    /// Bytes of a fixture that is small enough to be copied a few thousand times.
    private static final int LARGEST = 200_000;

    @TempDir
    Path folder;

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private long sum; // of what was read, so that no read is optimised away

    /// What is damaged: files of every architecture, small ones more often.
    private static List<byte[]> goodFiles() throws IOException {
        byte[] small = small();
        byte[] model = Files.readAllBytes(HostileGguf.GOOD);
        List<byte[]> files = new ArrayList<>(List.of(small, small, small, model, model, model));
        try (Stream<Path> models = Files.list(HostileGguf.GOOD.getParent())) {
            for (Path path : models.filter(path -> path.toString().endsWith(".gguf"))
                    .sorted()
                    .toList()) {
                if (Files.size(path) < LARGEST) {
                    files.add(Files.readAllBytes(path));
                }
            }
        }
        return files;
    }

    private static byte[] small() {
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
    @FieldSource("seeds")
    void damagedFile_opensOrIsRefused(long seed) throws IOException {
        var mutator = new GgufMutator(goodFiles(), seed);
        int opened = 0;
        int loaded = 0;
        Path path = folder.resolve("mutant.gguf");
        for (int i = 0; i < MUTANTS; i++) {
            byte[] bytes = mutator.next();
            String which = "seed=" + seed + ", mutant=" + i;
            boolean real = i % RARE == 0 && bytes.length > 0;
            if (real) {
                Files.write(path, bytes);
            }
            try {
                Depth depth = examine(path, bytes, real, opened % RARE == 0);
                opened += depth == Depth.REFUSED ? 0 : 1;
                loaded += depth == Depth.LOADED ? 1 : 0;
            } catch (RuntimeException | Error e) {
                throw new AssertionError(which + ": " + e, e);
            }
        }
        assertTrue(opened > MUTANTS / 20 && opened < MUTANTS * 19 / 20, "opened=" + opened);
        assertTrue(loaded > MUTANTS / 100 && loaded < opened, "loaded=" + loaded + ", opened=" + opened);
    }

    /// Looks at a file as far as it goes, within its memory. A first look at something new loads classes, which counts
    /// against the same thread; a second look at the same file does not.
    private Depth examine(Path path, byte[] bytes, boolean real, boolean templateToo) {
        Depth depth = null;
        for (int attempt = 0; depth == null; attempt++) {
            long start = threads.getCurrentThreadAllocatedBytes();
            long opening;
            long loading = 0;
            try (GgufFile file = real ? GgufFile.open(path) : inMemory(path, bytes)) {
                file.metadata().values().values().forEach(value -> sum += value.hashCode());
                opening = threads.getCurrentThreadAllocatedBytes() - start;
                readTensors(file);
                start = threads.getCurrentThreadAllocatedBytes();
                depth = load(file) ? Depth.LOADED : Depth.OPENED;
                loading = threads.getCurrentThreadAllocatedBytes() - start;
                if (templateToo && depth == Depth.LOADED) {
                    ChatTemplate.from(file.metadata());
                }
            } catch (ModelFileException e) {
                opening = depth == null ? threads.getCurrentThreadAllocatedBytes() - start : 0;
                depth = depth == null ? Depth.REFUSED : depth;
                assertLine(e, path);
            }
            if (opening > FIXED_BYTES + BYTES_PER_FILE_BYTE * bytes.length
                    || loading > LOADING_BYTES + LOADING_BYTES_PER_FILE_BYTE * bytes.length) {
                assertEquals(0, attempt, "opening=" + opening + ", loading=" + loading + ", bytes=" + bytes.length);
                depth = null;
            }
        }
        return depth;
    }

    /// Every byte of the file takes eight values: each rule on a single byte is met.
    @ParameterizedTest
    @ValueSource(ints = {0x00, 0x01, 0x08, 0x09, 0x7f, 0x80, 0xc3, 0xff})
    void oneByteReplaced_opensOrIsRefused(int value) {
        byte[] whole = small();
        Path path = folder.resolve("mutant.gguf");
        for (int offset = 0; offset < whole.length; offset++) {
            byte[] bytes = whole.clone();
            bytes[offset] = (byte) value;
            try (GgufFile file = inMemory(path, bytes)) {
                readTensors(file);
            } catch (ModelFileException e) {
                assertLine(e, path);
            }
        }
    }

    /// Native memory of exactly the file's size, bounds-checked as a mapped file is.
    private static GgufFile inMemory(Path path, byte[] bytes) {
        var files = new OpenFiles();
        try {
            MemorySegment memory = files.arena().allocate(bytes.length).copyFrom(MemorySegment.ofArray(bytes));
            return new GgufFile(files, new MemoryBytes(path, memory.asReadOnly()));
        } catch (Throwable e) {
            files.close();
            throw e;
        }
    }

    private void readTensors(GgufFile file) {
        for (Tensor tensor : file.tensors()) {
            if (tensor.columns() <= 1 << 20) {
                float[] row = new float[(int) tensor.columns()];
                for (long i = 0; i < tensor.rows(); i += Math.max(1, tensor.rows() - 1)) {
                    Dequantizer.readRow(tensor, i, row);
                }
            }
            for (byte one : tensor.data().toArray(ValueLayout.JAVA_BYTE)) {
                sum += one;
            }
        }
    }

    /// Whether a model can be made of the file.
    private boolean load(GgufFile file) {
        try {
            ModelShape shape = Architecture.of(file.metadata()).shape(file);
            Transformer.check(file, shape);
            Tokenizer tokenizer = Tokenizer.from(file.metadata());
            sum += tokenizer
                    .decode(tokenizer.encode("<|im_start|>Hello, 1234 wörlds\n", true))
                    .length();
            return true;
        } catch (ModelFileException e) {
            assertLine(e, file.path());
            return false;
        }
    }

    private static void assertLine(ModelFileException refusal, Path path) {
        String message = refusal.getMessage();
        assertEquals(1, message.lines().count(), message);
        assertTrue(message.contains("file=" + path), message);
    }
}
