package dev.quire.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// The K types of GGUF: blocks of 256 elements with an f16 scale, and in most an f16 scale of minima, which small
/// integers per 16 or 32 elements multiply. Products of scales are exact in float32 (11 + 8 bits), and so is every
/// product with an element; a type with minima rounds once, in the subtraction. {@link TensorType} has the layouts.
final class KQuants {
    private static final int ELEMENTS = 256;

    private KQuants() {}

    static void q2(MemorySegment data, long offset, float[] destination, int at) {
        float scale = Dequantizer.half(data, offset + 80);
        float minimumScale = Dequantizer.half(data, offset + 82);
        for (int group = 0; group < 16; group++) {
            int both = octet(data, offset + group);
            float d = scale * (both & 0xF);
            float m = minimumScale * (both >> 4);
            for (int i = 16 * group; i < 16 * group + 16; i++) {
                destination[at + i] = d * twoBits(data, offset + 16, i) - m;
            }
        }
    }

    static void q3(MemorySegment data, long offset, float[] destination, int at) {
        float scale = Dequantizer.half(data, offset + 108);
        for (int group = 0; group < 16; group++) {
            int low = octet(data, offset + 96 + group % 8) >> 4 * (group / 8) & 0xF;
            int high = octet(data, offset + 104 + group % 4) >> 2 * (group / 4) & 3;
            float d = scale * ((high << 4 | low) - 32);
            for (int i = 16 * group; i < 16 * group + 16; i++) {
                int quant = twoBits(data, offset + 32, i) - 4 + 4 * oneBit(data, offset, i);
                destination[at + i] = d * quant;
            }
        }
    }

    static void q4(MemorySegment data, long offset, float[] destination, int at) {
        float scale = Dequantizer.half(data, offset);
        float minimumScale = Dequantizer.half(data, offset + 2);
        for (int group = 0; group < 8; group++) {
            float d = scale * sixBitScale(data, offset + 4, group);
            float m = minimumScale * sixBitMinimum(data, offset + 4, group);
            for (int i = 32 * group; i < 32 * group + 32; i++) {
                destination[at + i] = d * nibble(data, offset + 16, i, 32) - m;
            }
        }
    }

    static void q5(MemorySegment data, long offset, float[] destination, int at) {
        float scale = Dequantizer.half(data, offset);
        float minimumScale = Dequantizer.half(data, offset + 2);
        for (int group = 0; group < 8; group++) {
            float d = scale * sixBitScale(data, offset + 4, group);
            float m = minimumScale * sixBitMinimum(data, offset + 4, group);
            for (int i = 32 * group; i < 32 * group + 32; i++) {
                int quant = nibble(data, offset + 48, i, 32) | oneBit(data, offset + 16, i) << 4;
                destination[at + i] = d * quant - m;
            }
        }
    }

    static void q6(MemorySegment data, long offset, float[] destination, int at) {
        float scale = Dequantizer.half(data, offset + 208);
        for (int i = 0; i < ELEMENTS; i++) {
            float d = scale * data.get(ValueLayout.JAVA_BYTE, offset + 192 + i / 16);
            int quant = nibble(data, offset, i, 64) | twoBits(data, offset + 128, i) << 4;
            destination[at + i] = d * (quant - 32);
        }
    }

    /// Scale `group` of eight in 12 bytes: 0 … 3 are the low six bits of bytes 0 … 3; 4 … 7 have their low four
    /// bits in the low halves of bytes 8 … 11 and their high two in the highest of bytes 0 … 3.
    private static int sixBitScale(MemorySegment data, long offset, int group) {
        return group < 4
                ? octet(data, offset + group) & 0x3F
                : octet(data, offset + group + 4) & 0xF | octet(data, offset + group - 4) >> 6 << 4;
    }

    /// Minimum `group` of eight: as the scales, in bytes 4 … 7 and the high halves of bytes 8 … 11.
    private static int sixBitMinimum(MemorySegment data, long offset, int group) {
        return group < 4
                ? octet(data, offset + group + 4) & 0x3F
                : octet(data, offset + group + 4) >> 4 | octet(data, offset + group) >> 6 << 4;
    }

    /// Element `i` of runs of `run` bytes, each of which holds `run` elements in its low halves and then `run` in
    /// its high ones.
    private static int nibble(MemorySegment data, long offset, int i, int run) {
        return octet(data, offset + i / (2 * run) * run + i % run) >> 4 * (i / run % 2) & 0xF;
    }

    /// Element `i` of two runs of 32 bytes, each of which holds 32 elements in its lowest two bits, then 32 in the
    /// next.
    private static int twoBits(MemorySegment data, long offset, int i) {
        return octet(data, offset + i / 128 * 32 + i % 32) >> 2 * (i / 32 % 4) & 3;
    }

    /// Element `i` of 32 bytes, which hold 32 elements in their lowest bit, then 32 in the next.
    private static int oneBit(MemorySegment data, long offset, int i) {
        return octet(data, offset + i % 32) >> i / 32 & 1;
    }

    private static int octet(MemorySegment data, long offset) {
        return Byte.toUnsignedInt(data.get(ValueLayout.JAVA_BYTE, offset));
    }
}
