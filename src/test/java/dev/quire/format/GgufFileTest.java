package dev.quire.format;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.tensor.Tensor;
import dev.quire.tensor.TensorType;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class GgufFileTest {
    @TempDir
    Path folder;

    private Path write(GgufWriter writer) {
        return writer.write(folder.resolve("m.gguf"));
    }

    private static GgufFile fixture(String name) {
        return GgufFile.open(Path.of("src/test/resources/models").resolve(name));
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 3})
    void open_everyValueType_isRead(int version) {
        Path path = write(new GgufWriter()
                .version(version)
                .uint8("u8", 200)
                .int8("i8", -2)
                .uint16("u16", 60_000)
                .int16("i16", -3)
                .uint32("u32", 4_000_000_000L)
                .int32("i32", -4)
                .uint64("u64", Long.MAX_VALUE)
                .int64("i64", Long.MIN_VALUE)
                .float32("f32", 0.5f)
                .float64("f64", 0.1)
                .bool("yes", true)
                .string("text", "größer 😀")
                .strings("strings", "a", "", "ü")
                .int32s("int32s", 1, -2)
                .uint8s("uint8s", 255)
                .float32s("float32s", 1.5f)
                .bools("bools", true, false)
                .strings("none"));
        try (var file = GgufFile.open(path)) {
            assertEquals(version, file.version());
            assertEquals(path, file.path());
            ModelMetadata metadata = file.metadata();
            assertEquals(200, metadata.integer("u8"));
            assertEquals(-2, metadata.integer("i8"));
            assertEquals(60_000, metadata.integer("u16"));
            assertEquals(-3, metadata.integer("i16"));
            assertEquals(4_000_000_000L, metadata.values().get("u32"));
            assertEquals(-4, metadata.integer("i32"));
            assertEquals(Long.MAX_VALUE, metadata.values().get("u64"));
            assertEquals(Long.MIN_VALUE, metadata.values().get("i64"));
            assertEquals(0.5, metadata.number("f32"));
            assertEquals(0.1, metadata.number("f64"));
            assertTrue(metadata.flag("yes", false));
            assertEquals("größer 😀", metadata.string("text"));
            assertArrayEquals(new String[] {"a", "", "ü"}, metadata.strings("strings"));
            assertArrayEquals(new long[] {1, -2}, metadata.integers("int32s"));
            assertArrayEquals(new long[] {255}, metadata.integers("uint8s"));
            assertArrayEquals(new double[] {1.5}, metadata.numbers("float32s"));
            assertArrayEquals(
                    new boolean[] {true, false}, (boolean[]) metadata.values().get("bools"));
            assertEquals(0, metadata.strings("none").length);
            assertEquals("u8", metadata.values().keySet().iterator().next());
        }
    }

    @Test
    void open_tensors_areFoundInFileOrder() {
        Path path = write(new GgufWriter()
                .floats("vector", new float[] {1, 2, 3}, 3)
                .floats("matrix", new float[] {1, 2, 3, 4, 5, 6}, 3, 2)
                .floats("folded", new float[24], 4, 3, 2, 1)
                .tensor("half", TensorType.F16, new byte[8], 2, 2)
                .tensor("q8", TensorType.Q8_0, new byte[68], 32, 2)
                .tensor("q4", TensorType.Q4_1, new byte[80], 64, 2));
        try (var file = GgufFile.open(path)) {
            assertEquals(
                    List.of("vector", "matrix", "folded", "half", "q8", "q4"),
                    file.tensors().stream().map(Tensor::name).toList());
            assertShape(file.tensor("vector"), TensorType.F32, 1, 3);
            assertShape(file.tensor("matrix"), TensorType.F32, 2, 3);
            assertShape(file.tensor("folded"), TensorType.F32, 6, 4);
            assertShape(file.tensor("half"), TensorType.F16, 2, 2);
            assertShape(file.tensor("q8"), TensorType.Q8_0, 2, 32);
            assertShape(file.tensor("q4"), TensorType.Q4_1, 2, 64);
            assertEquals(6f, file.tensor("matrix").data().getAtIndex(ValueLayout.JAVA_FLOAT, 5));
            assertTrue(file.tensor("q4").data().isReadOnly());
            assertFalse(file.find("absent").isPresent());
        }
    }

    private static void assertShape(Tensor tensor, TensorType type, long rows, long columns) {
        assertEquals(List.of(type, rows, columns), List.of(tensor.type(), tensor.rows(), tensor.columns()));
    }

    @Test
    void open_otherAlignment_isFollowed() {
        Path path = write(new GgufWriter()
                .uint32("general.alignment", 64)
                .alignment(64)
                .floats("a", new float[] {1}, 1)
                .floats("b", new float[] {2}, 1));
        try (var file = GgufFile.open(path)) {
            assertEquals(2f, file.tensor("b").data().getAtIndex(ValueLayout.JAVA_FLOAT, 0));
            assertEquals(
                    64,
                    file.tensor("b").data().address() - file.tensor("a").data().address());
        }
    }

    @Test
    void open_vocabularyOnly_hasNoTensors() {
        try (var file = GgufFile.open(write(new GgufWriter().string("general.architecture", "llama")))) {
            assertEquals(List.of(), file.tensors());
        }
    }

    @Test
    void tensor_missing_isNamed() {
        Path path = write(new GgufWriter());
        try (var file = GgufFile.open(path)) {
            var e = assertThrows(ModelFileException.class, () -> file.tensor("output.weight"));
            assertEquals("tensor is missing: tensor=output.weight, file=" + path, e.getMessage());
        }
    }

    @Test
    void close_twice_isAllowed() {
        var file = GgufFile.open(write(new GgufWriter().floats("a", new float[] {1}, 1)));
        Tensor tensor = file.tensor("a");
        file.close();
        file.close();
        assertThrows(IllegalStateException.class, () -> tensor.data().get(ValueLayout.JAVA_BYTE, 0));
    }

    @ParameterizedTest
    @CsvSource({"f32,F32,F32", "f16,F16,F16", "q8_0,Q8_0,Q8_0", "q4_1,Q4_1,Q8_0", "untied,F16,F16"})
    void open_fixture_hasTheExpectedTypes(String name, TensorType matrices, TensorType embedding) {
        try (var file = fixture("tiny-llama-" + name + ".gguf")) {
            assertEquals("llama", file.metadata().string("general.architecture"));
            assertEquals(embedding, file.tensor("token_embd.weight").type());
            assertEquals(matrices, file.tensor("blk.1.attn_q.weight").type());
            assertEquals(TensorType.F32, file.tensor("blk.0.attn_norm.weight").type());
            assertEquals(name.equals("untied"), file.find("output.weight").isPresent());
            assertEquals(
                    file.tensor("token_embd.weight").rows(), file.metadata().strings("tokenizer.ggml.tokens").length);
        }
    }

    @Test
    void open_notAModelFile_saysWhatItIs() throws IOException {
        assertRefused(folder.resolve("absent.gguf"), "model file must exist: file=FILE");
        assertRefused(folder, "model must be a regular file: found=directory, file=FILE");
        assertRefused(Path.of("/dev/null"), "model must be a regular file: found=special file, file=FILE");
        assertRefused(Files.createFile(folder.resolve("empty")), "model file must not be empty: bytes=0, file=FILE");
        assertRefused(
                Files.writeString(folder.resolve("text"), "# Heading\n"),
                "file must start with the bytes GGUF: found=\"# He\", file=FILE, offset=0");
        assertRefused(
                Files.write(folder.resolve("binary"), new byte[] {0, 'P', 'K', -1, 0}),
                "file must start with the bytes GGUF: found=\"\\x00PK\\xff\", file=FILE, offset=0");
        assertRefused(
                Files.writeString(folder.resolve("short"), "GG"),
                "file must not end inside its header: reading=magic, needed=4, remaining=2, file=FILE, offset=0");
    }

    private static void assertRefused(Path path, String message) {
        var e = assertThrows(ModelFileException.class, () -> GgufFile.open(path));
        assertEquals(message.replace("FILE", path.toString()), e.getMessage());
    }

    @Test
    void open_truncatedAtAnyByte_isRefused() throws IOException {
        byte[] whole = new GgufWriter()
                .string("general.architecture", "llama")
                .strings("tokens", "a", "bc")
                .float32s("scores", 1, 2)
                .bool("flag", true)
                .floats("a", new float[] {1, 2}, 2)
                .tensor("b", TensorType.Q8_0, new byte[34], 32)
                .bytes();
        Path path = folder.resolve("cut.gguf");
        for (int length = 1; length < whole.length; length++) {
            Files.write(path, Arrays.copyOf(whole, length));
            var e = assertThrows(ModelFileException.class, () -> GgufFile.open(path), "length=" + length);
            assertTrue(e.getMessage().contains(", file=" + path + ", offset="), e.getMessage());
        }
        Files.write(path, whole);
        GgufFile.open(path).close();
    }

    @Test
    void open_longName_isShownInOneShortLine() {
        Path path = write(new GgufWriter().raw("line\nbreak\u202e" + "x".repeat(1000), 99));
        var e = assertThrows(ModelFileException.class, () -> GgufFile.open(path));
        assertTrue(e.getMessage()
                .startsWith("metadata value type must be 0 to 12: type=99, key=line\\u000abreak\\u202ex"));
        assertTrue(e.getMessage().length() < 200 + path.toString().length(), e.getMessage());
        assertEquals(1, e.getMessage().lines().count());
    }
}
