package dev.quire.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.OptionalLong;
import java.util.Random;
import java.util.function.UnaryOperator;
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

    /// More bytes than are read at a time; parts come from the reader, never from the tensor's own memory.
    @ParameterizedTest
    @EnumSource(TensorType.class)
    void partsOfAReader_haveTheirPlaceInTheTensor(TensorType type) {
        int blocks = 2_500_000 / type.blockBytes();
        byte[] bytes = new byte[blocks * type.blockBytes()];
        var memory = MemorySegment.ofArray(new byte[bytes.length]);
        var unread = new Tensor("t", type, 1, (long) blocks * type.blockElements(), memory);
        UnaryOperator<Tensor> reader = part -> {
            long offset = part.data().address() - memory.address();
            var data = MemorySegment.ofArray(bytes).asSlice(offset, part.data().byteSize());
            return new Tensor("t", type, part.rows(), part.columns(), data);
        };
        assertEquals(OptionalLong.empty(), NumberScan.firstNotFinite(unread, reader));
        Arrays.fill(bytes, (blocks - 1) * type.blockBytes(), bytes.length, (byte) -1);
        var whole = new Tensor("t", type, 1, unread.columns(), MemorySegment.ofArray(bytes));
        OptionalLong place = NumberScan.firstNotFinite(whole);
        assertEquals(true, place.getAsLong() >= (long) (blocks - 1) * type.blockBytes());
        assertEquals(place, NumberScan.firstNotFinite(unread, reader));
    }
}
