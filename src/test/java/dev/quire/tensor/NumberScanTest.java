package dev.quire.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// A scan and the dequantised row agree on whether all is finite.
class NumberScanTest {
    /// Random bytes have bad scales often, sane ones next to never: both kinds come up.
    @ParameterizedTest
    @EnumSource(TensorType.class)
    void randomBlocks_agreeWithTheirValues(TensorType type) {
        Random random = new Random(9);
        int finite = 0;
        for (int i = 0; i < 4000; i++) {
            byte[] bytes = new byte[type.blockBytes()];
            random.nextBytes(bytes);
            Tensor tensor = new Tensor("t", type, 1, type.blockElements(), MemorySegment.ofArray(bytes));
            float[] row = new float[type.blockElements()];
            Dequantizer.readRow(tensor, 0, row);
            boolean expected = true;
            for (float value : row) {
                expected &= Float.isFinite(value);
            }
            // A product with a large scale may overflow though each number is finite; a sane scale does not.
            if (NumberScan.firstNotFinite(tensor).isPresent()) {
                assertEquals(false, expected, Arrays.toString(bytes));
            } else if (expected) {
                finite++;
            }
        }
        assertEquals(true, finite > 2000, "finite=" + finite);
    }
}
