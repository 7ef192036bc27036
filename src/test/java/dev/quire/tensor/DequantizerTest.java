package dev.quire.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// Dequantised blocks against the `gguf` Python package, bit for bit; `src/test/scripts/dequantise_vectors.py` made the
/// file and says what is in it.
class DequantizerTest {
    private static JsonNode vectors(TensorType type) throws IOException {
        try (var json = new GZIPInputStream(DequantizerTest.class.getResourceAsStream("/tensor/blocks.json.gz"))) {
            return new ObjectMapper().readTree(json).get(type.name());
        }
    }

    /// Bits of the elements of `rows` rows, as the file has them.
    private static int[][] read(TensorType type, byte[] blocks, int rows) {
        int columns = blocks.length / type.blockBytes() / rows * type.blockElements();
        Tensor tensor = new Tensor("t", type, rows, columns, MemorySegment.ofArray(blocks));
        boolean exact = type == TensorType.F32 || type == TensorType.F16 || type == TensorType.BF16;
        int[][] bits = new int[rows][columns];
        float[] row = new float[columns];
        for (int r = 0; r < rows; r++) {
            Dequantizer.readRow(tensor, r, row);
            for (int i = 0; i < columns; i++) {
                bits[r][i] = exact ? Float.floatToRawIntBits(row[i]) : Float.floatToIntBits(row[i]);
            }
        }
        return bits;
    }

    private static long checksum(int[] bits) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * bits.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asIntBuffer().put(bits);
        CRC32 checksum = new CRC32();
        checksum.update(bytes);
        return checksum.getValue();
    }

    @ParameterizedTest
    @EnumSource(TensorType.class)
    void readRow_anyBlock_hasTheBitsOfGguf(TensorType type) throws IOException {
        JsonNode vectors = vectors(type);
        byte[] blocks = vectors.get("blocks").binaryValue();
        int count = blocks.length / type.blockBytes();
        assertTrue(count >= 100, "count=" + count);
        assertEquals(count, vectors.get("crc32").size());
        int[][] bits = read(type, blocks, count);
        for (int block = 0; block < vectors.get("bits").size(); block++) {
            for (int i = 0; i < type.blockElements(); i++) {
                String expected = vectors.get("bits").get(block).get(i).textValue();
                assertEquals(expected, "%08X".formatted(bits[block][i]), "block=" + block + ", i=" + i);
            }
        }
        for (int block = 0; block < count; block++) {
            assertEquals(vectors.get("crc32").get(block).longValue(), checksum(bits[block]), "block=" + block);
        }
    }

    @ParameterizedTest
    @EnumSource(TensorType.class)
    void readRow_rowsOfSeveralBlocks_areThoseBlocks(TensorType type) throws IOException {
        byte[] blocks = new byte[6 * type.blockBytes()];
        System.arraycopy(vectors(type).get("blocks").binaryValue(), 0, blocks, 0, blocks.length);
        int[][] alone = read(type, blocks, 6);
        int[][] rows = read(type, blocks, 2);
        int n = type.blockElements();
        for (int block = 0; block < 6; block++) {
            int[] part = new int[n];
            System.arraycopy(rows[block / 3], block % 3 * n, part, 0, n);
            assertArrayEquals(alone[block], part, "block=" + block);
        }
    }

    @Test
    void rowBytes_partOfABlock_isRefused() {
        var e = assertThrows(IllegalArgumentException.class, () -> TensorType.Q4_K.rowBytes(128));
        assertEquals(
                "row length must be a multiple of the type's block: type=Q4_K, elements=128, blockElements=256",
                e.getMessage());
        assertEquals(288, TensorType.Q4_K.rowBytes(512));
    }
}
