package dev.quire.model;

import dev.quire.tensor.TensorType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// Random weights of every type, made from a seed: the bytes that `src/test/scripts/make_type_goldens.py` makes, whose
/// opening comment has the rules.
final class GeneratedTensors {
    private static final long GOLDEN_RATIO = 0x9E3779B97F4A7C15L;

    /// Where a block of the type has its scale and its minimum (-1: none), minimum / scale, and the standard deviation
    /// of what the scale multiplies.
    private record Layout(int scale, int minimum, double ratio, double deviation) {}

    private final long seed;
    private final TensorType type;

    GeneratedTensors(String architecture, TensorType matrices, String tensor, TensorType type) {
        this.seed = fnv1a(architecture + "/" + matrices + "/" + tensor);
        this.type = type;
    }

    byte[] bytes(int elements, double mean, double std) {
        return switch (type) {
            case F32, F16, BF16 -> floats(elements, mean, std);
            default -> blocks(elements / type.blockElements(), std);
        };
    }

    private byte[] floats(int elements, double mean, double std) {
        ByteBuffer data = littleEndian(elements * type.blockBytes());
        for (int i = 0; i < elements; i++) {
            float value = (float) (mean + (2 * fraction(i) - 1) * Math.sqrt(3) * std);
            switch (type) {
                case F32 -> data.putFloat(value);
                case F16 -> data.putShort(Float.floatToFloat16(value));
                default -> data.putShort((short) (Float.floatToRawIntBits(value) >>> 16));
            }
        }
        return data.array();
    }

    private byte[] blocks(int blocks, double std) {
        int length = blocks * type.blockBytes();
        int words = Math.ceilDiv(length, Long.BYTES);
        ByteBuffer whole = littleEndian(words * Long.BYTES);
        for (int i = 0; i < words; i++) {
            whole.putLong(word(i));
        }
        byte[] bytes = Arrays.copyOf(whole.array(), length);
        ByteBuffer data = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        for (int b = 0; b < blocks; b++) {
            int at = b * type.blockBytes();
            if (type == TensorType.MXFP4) {
                data.put(at, (byte) (121 + Long.remainderUnsigned(word(words + b), 3)));
            } else {
                scale(data, at, std, fraction(words + b));
            }
        }
        return bytes;
    }

    private void scale(ByteBuffer data, int at, double std, double fraction) {
        Layout layout = layout();
        short scale = Float.floatToFloat16((float) (std / layout.deviation * (0.75 + fraction / 2)));
        data.putShort(at + layout.scale, scale);
        if (layout.minimum >= 0) {
            double minimum = layout.ratio * Float.float16ToFloat(scale);
            data.putShort(at + layout.minimum, Float.floatToFloat16((float) minimum));
        }
    }

    private Layout layout() {
        return switch (type) {
            case Q8_0 -> new Layout(0, -1, 0, 73.9);
            case Q4_0 -> new Layout(0, -1, 0, 4.6);
            case Q4_1 -> new Layout(0, 2, -7.5, 4.6);
            case Q5_0 -> new Layout(0, -1, 0, 9.2);
            case Q5_1 -> new Layout(0, 2, -15.5, 9.2);
            case Q2_K -> new Layout(80, 82, 1.5, 13.9);
            case Q3_K -> new Layout(108, -1, 0, 43);
            case Q4_K -> new Layout(0, 2, 7.5, 258);
            case Q5_K -> new Layout(0, 2, 15.5, 527);
            case Q6_K -> new Layout(208, -1, 0, 1366);
            case IQ4_NL -> new Layout(0, -1, 0, 66);
            case F32, F16, BF16, MXFP4 -> throw new IllegalArgumentException("type must have an f16 scale: " + type);
        };
    }

    private double fraction(int index) {
        return (word(index) >>> 11) * 0x1p-53;
    }

    /// SplitMix64 (Steele et al., 2014).
    private long word(int index) {
        long z = seed + (index + 1) * GOLDEN_RATIO;
        z = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
        z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
        return z ^ z >>> 31;
    }

    private static long fnv1a(String text) {
        long hash = 0xCBF29CE484222325L;
        for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
            hash = (hash ^ b & 0xff) * 0x100000001B3L;
        }
        return hash;
    }

    private static ByteBuffer littleEndian(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
