package dev.quire.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/// Reads stored rows as float32, bit for bit as the `gguf` Python package does (`quants.py`): a scale is widened
/// from f16, then one multiplication and at most one addition, each rounded. Only the sign and payload of a NaN
/// that arithmetic made are left open, since Java leaves them open.
public final class Dequantizer {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /// Values of IQ4_NL's nibbles, denser near zero (ggml's `kvalues_iq4nl`).
    private static final byte[] IQ4_NL_VALUES = {
        -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113
    };

    /// Twice the values of e2m1.
    private static final byte[] MXFP4_VALUES = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

    private Dequantizer() {}

    /// Writes row `row` of `tensor` to `destination[0 … columns - 1]`.
    public static void readRow(Tensor tensor, long row, float[] destination) {
        TensorType type = tensor.type();
        int columns = Math.toIntExact(tensor.columns());
        MemorySegment data = tensor.data();
        long offset = row * type.rowBytes(columns);
        for (int i = 0; i < columns; i += type.blockElements(), offset += type.blockBytes()) {
            switch (type) {
                case F32 -> destination[i] = data.get(FLOAT, offset);
                case F16 -> destination[i] = element(data, offset);
                case BF16 -> destination[i] = Float.intBitsToFloat(data.get(SHORT, offset) << 16);
                case Q4_0 -> q4(data, offset, destination, i);
                case Q4_1 -> q4WithMinimum(data, offset, destination, i);
                case Q5_0 -> q5(data, offset, destination, i);
                case Q5_1 -> q5WithMinimum(data, offset, destination, i);
                case Q8_0 -> q8(data, offset, destination, i);
                case Q2_K -> KQuants.q2(data, offset, destination, i);
                case Q3_K -> KQuants.q3(data, offset, destination, i);
                case Q4_K -> KQuants.q4(data, offset, destination, i);
                case Q5_K -> KQuants.q5(data, offset, destination, i);
                case Q6_K -> KQuants.q6(data, offset, destination, i);
                case IQ4_NL -> table(data, offset + 2, IQ4_NL_VALUES, half(data, offset), destination, i);
                case MXFP4 -> table(data, offset + 1, MXFP4_VALUES, e8m0Half(data, offset), destination, i);
            }
        }
    }

    private static void q4(MemorySegment data, long offset, float[] destination, int at) {
        float scale = half(data, offset);
        for (int i = 0; i < 32; i++) {
            destination[at + i] = scale * (nibble(data, offset + 2, i) - 8);
        }
    }

    private static void q4WithMinimum(MemorySegment data, long offset, float[] destination, int at) {
        float scale = half(data, offset);
        float minimum = half(data, offset + 2);
        for (int i = 0; i < 32; i++) {
            destination[at + i] = scale * nibble(data, offset + 4, i) + minimum;
        }
    }

    private static void q5(MemorySegment data, long offset, float[] destination, int at) {
        float scale = half(data, offset);
        int high = data.get(INT, offset + 2);
        for (int i = 0; i < 32; i++) {
            int quant = nibble(data, offset + 6, i) | (high >>> i & 1) << 4;
            destination[at + i] = scale * (quant - 16);
        }
    }

    private static void q5WithMinimum(MemorySegment data, long offset, float[] destination, int at) {
        float scale = half(data, offset);
        float minimum = half(data, offset + 2);
        int high = data.get(INT, offset + 4);
        for (int i = 0; i < 32; i++) {
            int quant = nibble(data, offset + 8, i) | (high >>> i & 1) << 4;
            destination[at + i] = scale * quant + minimum;
        }
    }

    private static void q8(MemorySegment data, long offset, float[] destination, int at) {
        float scale = half(data, offset);
        for (int i = 0; i < 32; i++) {
            destination[at + i] = data.get(ValueLayout.JAVA_BYTE, offset + 2 + i) * scale;
        }
    }

    private static void table(
            MemorySegment data, long offset, byte[] values, float scale, float[] destination, int at) {
        for (int i = 0; i < 32; i++) {
            destination[at + i] = scale * values[nibble(data, offset, i)];
        }
    }

    /// Element `i` of 16 bytes that hold the nibbles of 32 elements.
    private static int nibble(MemorySegment data, long offset, int i) {
        return data.get(ValueLayout.JAVA_BYTE, offset + i % 16) >>> 4 * (i / 16) & 0xF;
    }

    /// 2^(e - 128), half of the scale that byte e stands for: 0 and 1 are subnormal in float32.
    private static float e8m0Half(MemorySegment data, long offset) {
        int exponent = Byte.toUnsignedInt(data.get(ValueLayout.JAVA_BYTE, offset));
        return Float.intBitsToFloat(exponent < 2 ? 0x0020_0000 << exponent : exponent - 1 << 23);
    }

    static float half(MemorySegment data, long offset) {
        return Float.float16ToFloat(data.get(SHORT, offset));
    }

    /// As {@link #half}, with a signalling NaN left signalling: no arithmetic follows that would make it quiet.
    private static float element(MemorySegment data, long offset) {
        int bits = data.get(SHORT, offset);
        boolean nan = (bits & 0x7FFF) > 0x7C00;
        return nan
                ? Float.intBitsToFloat((bits & 0x8000) << 16 | 0x7F80_0000 | (bits & 0x3FF) << 13)
                : Float.float16ToFloat((short) bits);
    }
}
