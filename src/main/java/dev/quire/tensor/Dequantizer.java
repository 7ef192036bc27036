package dev.quire.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/// Reads stored rows as float32, exactly as GGUF defines each type (ggml `dequantize_row_*`, the `gguf` package's
/// `quants.py`): scale and minimum are widened from f16, then one multiplication and at most one addition.
public final class Dequantizer {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private Dequantizer() {}

    /// Writes row `row` of `tensor` to `destination[0 … columns - 1]`.
    public static void readRow(Tensor tensor, long row, float[] destination) {
        int columns = Math.toIntExact(tensor.columns());
        MemorySegment data = tensor.data();
        long offset = row * tensor.type().rowBytes(columns);
        switch (tensor.type()) {
            case F32 -> {
                for (int i = 0; i < columns; i++) {
                    destination[i] = data.get(FLOAT, offset + 4L * i);
                }
            }
            case F16 -> {
                for (int i = 0; i < columns; i++) {
                    destination[i] = half(data, offset + 2L * i);
                }
            }
            case Q4_1 -> {
                for (int i = 0; i < columns; i += 32, offset += 20) {
                    q4Block(data, offset, destination, i);
                }
            }
            case Q8_0 -> {
                for (int i = 0; i < columns; i += 32, offset += 34) {
                    q8Block(data, offset, destination, i);
                }
            }
        }
    }

    private static void q4Block(MemorySegment data, long offset, float[] destination, int at) {
        float scale = half(data, offset);
        float minimum = half(data, offset + 2);
        for (int i = 0; i < 16; i++) {
            int nibbles = data.get(ValueLayout.JAVA_BYTE, offset + 4 + i);
            destination[at + i] = (nibbles & 0xF) * scale + minimum;
            destination[at + i + 16] = ((nibbles >> 4) & 0xF) * scale + minimum;
        }
    }

    private static void q8Block(MemorySegment data, long offset, float[] destination, int at) {
        float scale = half(data, offset);
        for (int i = 0; i < 32; i++) {
            destination[at + i] = data.get(ValueLayout.JAVA_BYTE, offset + 2 + i) * scale;
        }
    }

    private static float half(MemorySegment data, long offset) {
        return Float.float16ToFloat(data.get(SHORT, offset));
    }
}
