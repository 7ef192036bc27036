package dev.quire.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.OptionalLong;
import java.util.function.UnaryOperator;

/// Looks for weights that are no finite numbers. Of a quantised block only its scales and minima can be at fault, so a
/// scan reads little more than these.
public final class NumberScan {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /// Exponents of infinity and of what is not a number.
    private static final int HALF = 0x7C00;

    private static final int BRAIN = 0x7F80;
    private static final int SINGLE = 0x7F800000;

    /// Bytes that are read at a time.
    private static final long READ_BYTES = 1 << 20;

    private NumberScan() {}

    /// The same of a tensor at whose data Java may not look: `reader` gives parts of it in memory. They are of some
    /// blocks, in one row: the tensor's own may be of any length.
    public static OptionalLong firstNotFinite(Tensor tensor, UnaryOperator<Tensor> reader) {
        TensorType type = tensor.type();
        long step = READ_BYTES / type.blockBytes() * type.blockBytes();
        for (long start = 0; start < tensor.data().byteSize(); start += step) {
            long bytes = Math.min(step, tensor.data().byteSize() - start);
            long elements = bytes / type.blockBytes() * type.blockElements();
            var part =
                    new Tensor(tensor.name(), type, 1, elements, tensor.data().asSlice(start, bytes));
            OptionalLong found = firstNotFinite(reader.apply(part));
            if (found.isPresent()) {
                return OptionalLong.of(start + found.getAsLong());
            }
        }
        return OptionalLong.empty();
    }

    /// Where in the tensor's data the first number lies that is infinite or none at all.
    public static OptionalLong firstNotFinite(Tensor tensor) {
        MemorySegment data = tensor.data();
        return switch (tensor.type()) {
            case F32 -> singles(data);
            case F16 -> shorts(data, 2, HALF, 0);
            case BF16 -> shorts(data, 2, BRAIN, 0);
            case Q4_0, Q5_0, Q8_0, IQ4_NL -> shorts(data, tensor.type().blockBytes(), HALF, 0);
            case Q4_1, Q5_1, Q4_K, Q5_K -> shorts(data, tensor.type().blockBytes(), HALF, 0, 2);
            case Q2_K -> shorts(data, tensor.type().blockBytes(), HALF, 80, 82);
            case Q3_K -> shorts(data, tensor.type().blockBytes(), HALF, 108);
            case Q6_K -> shorts(data, tensor.type().blockBytes(), HALF, 208);
            case MXFP4 -> exponents(data, tensor.type().blockBytes());
        };
    }

    private static OptionalLong singles(MemorySegment data) {
        for (long at = 0; at < data.byteSize(); at += 4) {
            if ((data.get(INT, at) & SINGLE) == SINGLE) {
                return OptionalLong.of(at);
            }
        }
        return OptionalLong.empty();
    }

    private static OptionalLong shorts(MemorySegment data, int blockBytes, int exponent, int... offsets) {
        for (long block = 0; block < data.byteSize(); block += blockBytes) {
            for (int offset : offsets) {
                if ((data.get(SHORT, block + offset) & exponent) == exponent) {
                    return OptionalLong.of(block + offset);
                }
            }
        }
        return OptionalLong.empty();
    }

    /// A scale of MXFP4 is a power of two; 255 is not a number (OCP Microscaling Formats 1.0, section 5.4.1).
    private static OptionalLong exponents(MemorySegment data, int blockBytes) {
        for (long block = 0; block < data.byteSize(); block += blockBytes) {
            if (data.get(ValueLayout.JAVA_BYTE, block) == (byte) 0xFF) {
                return OptionalLong.of(block);
            }
        }
        return OptionalLong.empty();
    }
}
