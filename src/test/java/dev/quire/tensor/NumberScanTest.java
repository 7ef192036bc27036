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
            // MXFP4 alone can overflow with a scale that is a number: 12 times 2^125.
            boolean overflows = type == TensorType.MXFP4 && (bytes[0] & 0xFF) >= 253 && bytes[0] != -1;
            if (!overflows) {
                assertEquals(expected, NumberScan.firstNotFinite(tensor).isEmpty(), Arrays.toString(bytes));
            }
            finite += expected ? 1 : 0;
        }
        assertEquals(true, finite > 2000, "finite=" + finite);
    }
}
