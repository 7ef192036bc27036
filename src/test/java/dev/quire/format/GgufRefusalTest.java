package dev.quire.format;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.tensor.TensorType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What {@link GgufFile#open} refuses, and in which words. Offsets: the header has 24 bytes; then a key of one letter
/// starts at 24, its type at 33 and its value at 37; without keys, a tensor of one letter has its number of dimensions
/// at 33, its sizes from 37, then type (4 bytes) and offset.
class GgufRefusalTest {
    private static final int KEYS = 24;
    private static final int VALUE_TYPE = KEYS + 8 + 1;
    private static final int VALUE = VALUE_TYPE + 4;
    private static final int DIMENSIONS = KEYS + 8 + 1;
    private static final int SIZES = DIMENSIONS + 4;

    @TempDir
    Path folder;

    private void assertRefused(String message, byte[] bytes, long offset) throws IOException {
        Path path = Files.write(folder.resolve("m.gguf"), bytes);
        var e = assertThrows(ModelFileException.class, () -> GgufFile.open(path));
        assertEquals(message + ", file=" + path + ", offset=" + offset, e.getMessage());
    }

    private void assertRefused(String message, GgufWriter writer, long offset) throws IOException {
        assertRefused(message, writer.bytes(), offset);
    }

    private static byte[] number(long value, int size) {
        byte[] all = ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(value)
                .array();
        return Arrays.copyOf(all, size);
    }

    /// `bytes` with eight of them replaced.
    private static byte[] patched(byte[] bytes, int offset, long value) {
        System.arraycopy(number(value, 8), 0, bytes, offset, 8);
        return bytes;
    }

    private static byte[] joined(byte[]... parts) {
        var buffer = ByteBuffer.allocate(1024);
        for (byte[] part : parts) {
            buffer.put(part);
        }
        return Arrays.copyOf(buffer.array(), buffer.position());
    }

    @ParameterizedTest
    @CsvSource({
        "0, 'version must be 2 or 3: version=0'",
        "1, 'version must be 2 or 3: version=1'",
        "4, 'version must be 2 or 3: version=4'",
        "-1, 'version must be 2 or 3: version=4294967295'",
        "50331648, 'file must be little-endian: byteOrder=big-endian, version=3'",
        "33554432, 'file must be little-endian: byteOrder=big-endian, version=2'"
    })
    void open_otherVersion_isRefused(int version, String message) throws IOException {
        assertRefused(message, new GgufWriter().version(version), 4);
    }

    @Test
    void open_claimedCounts_areCheckedAgainstBoundAndFile() throws IOException {
        byte[] bytes = new GgufWriter().uint8("a", 1).bytes();
        assertRefused(
                "tensors of the file must not exceed its bound: count=1152921504606846976, bound=65536",
                patched(bytes.clone(), 8, 1L << 60),
                8);
        assertRefused(
                "tensors of the file must not exceed its bound: count=18446744073709551615, bound=65536",
                patched(bytes.clone(), 8, -1),
                8);
        assertRefused(
                "tensors of the file must fit the rest of the file: count=65536, minimumBytes=33, remaining=22",
                patched(bytes.clone(), 8, 65_536),
                8);
        assertRefused(
                "metadata keys of the file must not exceed its bound: count=1152921504606846976, bound=65536",
                patched(bytes.clone(), 16, 1L << 60),
                16);
        assertRefused(
                "metadata keys of the file must fit the rest of the file: count=2, minimumBytes=14, remaining=14",
                patched(bytes.clone(), 16, 2),
                16);
    }

    @Test
    void open_badKeys_areRefused() throws IOException {
        assertRefused("metadata key must not be empty: index=0", new GgufWriter().uint32("", 1), KEYS);
        assertRefused(
                "metadata key must be unique: key=a",
                new GgufWriter().uint8("a", 1).uint8("a", 1),
                KEYS + 14);
        byte[] bytes = new GgufWriter().uint8("a", 1).bytes();
        assertRefused(
                "metadata key length must not exceed its bound: length=1152921504606846976, bound=65535",
                patched(bytes.clone(), KEYS, 1L << 60),
                KEYS);
        assertRefused(
                "file must not end inside its header: reading=metadata key, needed=65535, remaining=6",
                patched(bytes.clone(), KEYS, 65_535),
                KEYS + 8);
        bytes[KEYS + 8] = (byte) 0xff;
        assertRefused("metadata key must be UTF-8: length=1", bytes, KEYS);
    }

    @Test
    void open_badValues_areRefused() throws IOException {
        assertRefused(
                "metadata value type must be 0 to 12: type=13, key=a",
                new GgufWriter().raw("a", 13, (byte) 0),
                VALUE_TYPE);
        assertRefused(
                "metadata value type must be 0 to 12: type=4294967295, key=a",
                new GgufWriter().raw("a", -1, (byte) 0),
                VALUE_TYPE);
        assertRefused("metadata bool must be 0 or 1: value=2", new GgufWriter().raw("a", 7, (byte) 2), VALUE);
        assertRefused(
                "metadata integer must fit 63 bits: value=18446744073709551615",
                new GgufWriter().uint64("a", -1),
                VALUE);
        assertRefused(
                "metadata string length must not exceed its bound: length=1152921504606846976, bound=16777216",
                new GgufWriter().raw("a", 8, number(1L << 60, 8)),
                VALUE);
        assertRefused(
                "file must not end inside its header: reading=metadata string, needed=16777216, remaining=0",
                new GgufWriter().raw("a", 8, number(1L << 24, 8)),
                VALUE + 8);
        assertRefused(
                "metadata string must be UTF-8: length=2",
                new GgufWriter().raw("a", 8, joined(number(2, 8), new byte[] {(byte) 0xc3, 'a'})),
                VALUE);
    }

    @Test
    void open_replacementCharacterInAString_isNotAnError() {
        Path path = new GgufWriter().string("a", "\uFFFD").write(folder.resolve("m.gguf"));
        try (var file = GgufFile.open(path)) {
            assertEquals("\uFFFD", file.metadata().string("a"));
        }
    }

    @Test
    void open_badArrays_areRefused() throws IOException {
        assertRefused("array must not hold arrays: key=a", new GgufWriter().raw("a", 9, number(9, 4)), VALUE);
        assertRefused(
                "metadata value type must be 0 to 12: type=99, key=a",
                new GgufWriter().raw("a", 9, joined(number(99, 4), number(0, 8))),
                VALUE);
        assertRefused(
                "elements of an array must not exceed its bound: count=1152921504606846976, bound=4194304",
                new GgufWriter().raw("a", 9, joined(number(8, 4), number(1L << 60, 8))),
                VALUE + 4);
        assertRefused(
                "elements of an array must fit the rest of the file: count=3, minimumBytes=8, remaining=16",
                new GgufWriter().raw("a", 9, joined(number(8, 4), number(3, 8), number(0, 8), number(0, 8))),
                VALUE + 4);
    }

    /// Elements are looked at when somebody asks for them, with the same line.
    @Test
    void open_badElements_areRefusedWhenRead() throws IOException {
        assertRefusedWhenRead(
                "array bool must be 0 or 1: value=255",
                new GgufWriter().raw("a", 9, joined(number(7, 4), number(2, 8), new byte[] {1, -1})),
                VALUE + 12 + 1);
        assertRefusedWhenRead(
                "array string must be UTF-8: length=1",
                new GgufWriter()
                        .raw("a", 9, joined(number(8, 4), number(2, 8), number(0, 8), number(1, 8), new byte[] {-1})),
                VALUE + 12 + 8);
        assertRefusedWhenRead(
                "array integer must fit 63 bits: value=9223372036854775808",
                new GgufWriter().raw("a", 9, joined(number(10, 4), number(2, 8), number(0, 8), number(1L << 63, 8))),
                VALUE + 12 + 8);
    }

    private void assertRefusedWhenRead(String message, GgufWriter writer, long offset) throws IOException {
        Path path = Files.write(folder.resolve("m.gguf"), writer.bytes());
        try (var file = GgufFile.open(path)) {
            assertTrue(file.metadata().has("a"));
            var e = assertThrows(
                    ModelFileException.class, () -> file.metadata().values().get("a"));
            assertEquals(message + ", file=" + path + ", offset=" + offset, e.getMessage());
        }
    }

    @Test
    void open_manyArrays_shareOneBound() throws IOException {
        int[] half = new int[GgufValues.MAX_ELEMENTS / 2];
        assertRefused(
                "elements of an array must not exceed its bound: count=1, bound=0",
                new GgufWriter().uint8s("a", half).uint8s("b", half).uint8s("c", 1),
                KEYS + 2 * (8 + 1 + 4 + 4 + 8 + half.length) + 8 + 1 + 4 + 4);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 4, 33, 48, 1L << 21, 0xffffffffL})
    void open_badAlignment_isRefused(long alignment) throws IOException {
        assertRefused(
                "alignment must be a power of two from 8 to 1048576: general.alignment=" + alignment,
                new GgufWriter().uint32("general.alignment", alignment),
                KEYS + 8 + "general.alignment".length());
    }

    @Test
    void open_alignmentOfAnotherType_isRefused() throws IOException {
        assertRefused(
                "alignment must be a power of two from 8 to 1048576: general.alignment=String",
                new GgufWriter().string("general.alignment", "32"),
                KEYS + 8 + "general.alignment".length());
    }

    @Test
    void open_badTensorNames_areRefused() throws IOException {
        assertRefused("tensor name must not be empty: tensor=", new GgufWriter().floats("", new float[3], 3), KEYS);
        assertRefused(
                "tensor name must be unique: tensor=a",
                new GgufWriter().floats("a", new float[3], 3).floats("a", new float[3], 3),
                KEYS + GgufTensors.MIN_DESCRIPTION_BYTES);
        assertRefused(
                "tensor name length must not exceed its bound: length=65, bound=64",
                new GgufWriter().floats("x".repeat(65), new float[3], 3),
                KEYS);
        byte[] bytes = new GgufWriter().floats("a", new float[3], 3).bytes();
        bytes[KEYS + 8] = (byte) 0xfe;
        assertRefused("tensor name must be UTF-8: length=1", bytes, KEYS);
    }

    @Test
    void open_badDimensions_areRefused() throws IOException {
        byte[] none = new byte[64];
        assertRefused(
                "tensor must have 1 to 4 dimensions: dimensions=0, tensor=a",
                new GgufWriter().tensor("a", TensorType.F32, none),
                DIMENSIONS);
        assertRefused(
                "tensor must have 1 to 4 dimensions: dimensions=5, tensor=a",
                new GgufWriter().tensor("a", TensorType.F32, none, 1, 1, 1, 1, 1),
                DIMENSIONS);
        assertRefused(
                "tensor size must be positive: size=0, tensor=a",
                new GgufWriter().tensor("a", TensorType.F32, none, 1, 0),
                SIZES + 8);
        assertRefused(
                "tensor size must fit 63 bits: value=18446744073709551615",
                new GgufWriter().tensor("a", TensorType.F32, none, 1, -1),
                SIZES + 8);
        assertRefused(
                "tensor size must fit 63 bits: rows=2147483648, size=4294967296, tensor=a",
                new GgufWriter().tensor("a", TensorType.F32, none, 1, 1L << 31, 1L << 32),
                SIZES + 16);
        assertRefused(
                "tensor size must fit 63 bits: rows=4294967296, size=4294967296, tensor=a",
                new GgufWriter().tensor("a", TensorType.F32, none, 1, 1L << 32, 1L << 32),
                SIZES + 16);
        assertRefused(
                "tensor bytes must fit 63 bits: rows=1, columns=4611686018427387904, type=F32, tensor=a",
                new GgufWriter().tensor("a", TensorType.F32, none, 1L << 62),
                DIMENSIONS);
        assertRefused(
                "tensor bytes must fit 63 bits: rows=2147483648, columns=2147483648, type=F32, tensor=a",
                new GgufWriter().tensor("a", TensorType.F32, none, 1L << 31, 1L << 31),
                DIMENSIONS);
        assertRefused(
                "row length must be a multiple of the type's block: columns=33, blockElements=32, type=Q8_0, tensor=a",
                new GgufWriter().tensor("a", TensorType.Q8_0, none, 33),
                DIMENSIONS);
        assertRefused(
                "row length must be a multiple of the type's block: columns=576, blockElements=256, type=Q4_K, tensor=a",
                new GgufWriter().tensor("a", TensorType.Q4_K, none, 576),
                DIMENSIONS);
    }

    @ParameterizedTest
    @CsvSource({"9,Q8_1", "15,Q8_K", "23,IQ4_XS", "28,F64", "31,withdrawn from GGUF", "77,unknown"})
    void open_otherTensorType_isNamed(int type, String name) throws IOException {
        assertRefused(
                "tensor type must be one of F32, F16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_NL, "
                        + "BF16, MXFP4: type=" + type + " (" + name + "), tensor=a",
                new GgufWriter().tensor("a", type, new byte[32], null, 32),
                SIZES + 8);
    }

    @Test
    void open_badPlaces_areRefused() throws IOException {
        int offset = SIZES + 8 + 4;
        assertRefused(
                "tensor offset must be a multiple of the alignment: dataOffset=16, alignment=32, tensor=a",
                new GgufWriter().tensor("a", 0, new byte[64], 16L, 4),
                offset);
        assertRefused(
                "tensor must lie inside the file: dataOffset=64, bytes=16, dataStart=64, fileBytes=128, tensor=a",
                new GgufWriter().tensor("a", 0, new byte[64], 64L, 4),
                offset);
        assertRefused(
                "tensor must lie inside the file: dataOffset=9223372036854775776, bytes=16, dataStart=64,"
                        + " fileBytes=128, tensor=a",
                new GgufWriter().tensor("a", 0, new byte[64], Long.MAX_VALUE - 31, 4),
                offset);
        assertRefused(
                "tensor offset must fit 63 bits: value=9223372036854775808",
                new GgufWriter().tensor("a", 0, new byte[64], Long.MIN_VALUE, 4),
                offset);
        assertRefused(
                "tensors must not overlap: tensor=a, start=128, other=b, otherEnd=132",
                new GgufWriter().tensor("a", 0, new byte[64], 32L, 4).tensor("b", 0, new byte[64], 0L, 9),
                offset);
        assertRefused(
                "tensors must not overlap: tensor=b, start=96, other=a, otherEnd=112",
                new GgufWriter().tensor("a", 0, new byte[64], 0L, 4).tensor("b", 0, new byte[64], 0L, 4),
                offset + GgufTensors.MIN_DESCRIPTION_BYTES);
    }

    @Test
    void printable_controlCharacters_areEscaped() {
        assertEquals("a\\u000ab\\u0000é", GgufCursor.printable("a\nb\0é"));
        assertEquals(80 + "...".length(), GgufCursor.printable("x".repeat(500)).length());
    }
}
