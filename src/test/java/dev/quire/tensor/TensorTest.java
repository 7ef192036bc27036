package dev.quire.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TensorTest {
    @Test
    void rows_areAViewOfTheSameRows() {
        byte[] bytes = new byte[5 * 2 * 34]; // 5 rows of 2 blocks of Q8_0
        new Random(1).nextBytes(bytes);
        var tensor = new Tensor("t", TensorType.Q8_0, 5, 64, MemorySegment.ofArray(bytes));
        Tensor part = tensor.rows(2, 3);
        assertEquals("t[2, 5)", part.name());
        assertEquals(3, part.rows());
        assertEquals(64, part.columns());
        float[] expected = new float[64];
        float[] found = new float[64];
        for (int row = 0; row < 3; row++) {
            Dequantizer.readRow(tensor, row + 2, expected);
            Dequantizer.readRow(part, row, found);
            assertArrayEquals(expected, found);
        }
    }

    @Test
    void rows_outsideTheTensor_areRefused() {
        var tensor = new Tensor("t", TensorType.F32, 3, 1, MemorySegment.ofArray(new byte[12]));
        assertThrows(IllegalArgumentException.class, () -> tensor.rows(-1, 1));
        assertThrows(IllegalArgumentException.class, () -> tensor.rows(0, 0));
        assertThrows(IllegalArgumentException.class, () -> tensor.rows(Long.MAX_VALUE, 2));
        var refusal = assertThrows(IllegalArgumentException.class, () -> tensor.rows(1, 3));
        assertEquals("rows must be the tensor's: tensor=t, from=1, count=3, rows=3", refusal.getMessage());
    }
}
