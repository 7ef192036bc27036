package dev.quire.format;

import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/// An array among a GGUF file's metadata, which stays in the file until somebody asks for it: a vocabulary of 49,152
/// tokens with its merges is most of what there is to parse, and opening a file does not need it.
///
/// {@link GgufValues} has checked that it ends inside the file; what takes a look at each element (UTF-8, a bool's two
/// values, 63 bits) is checked here. The file is read in one copy, so that a file which changes meanwhile can give
/// other values but never leads a read out of the array.
///
/// Thread-safe.
final class GgufArray {
    private final GgufCursor cursor; // for refusals and copies, which do not move it
    private final GgufType type;
    private final int length;
    private final int offset; // of the first element
    private final int bytes;

    /// What was read last, while anybody holds it: tokens are wanted by several readers, merges by one.
    private volatile WeakReference<Object> elements = new WeakReference<>(null);

    GgufArray(GgufCursor cursor, GgufType type, int length, int offset, int bytes) {
        this.cursor = cursor;
        this.type = type;
        this.length = length;
        this.offset = offset;
        this.bytes = bytes;
    }

    int length() {
        return length;
    }

    /// The class of what {@link #elements} gives: `String[]`, `long[]`, `double[]` or `boolean[]`.
    Class<?> elementsClass() {
        return switch (type) {
            case STRING -> String[].class;
            case BOOL -> boolean[].class;
            case FLOAT32, FLOAT64 -> double[].class;
            default -> long[].class;
        };
    }

    /// The elements; a later call may give the same array.
    Object elements() {
        Object known = elements.get();
        if (known == null) {
            var copy = ByteBuffer.wrap(cursor.copy(offset, bytes)).order(ByteOrder.LITTLE_ENDIAN);
            known = switch (type) {
                case STRING -> strings(copy);
                case BOOL -> bools(copy);
                case FLOAT32, FLOAT64 -> numbers(copy);
                default -> integers(copy);
            };
            elements = new WeakReference<>(known);
        }
        return known;
    }

    private String[] strings(ByteBuffer copy) {
        var strings = new String[length];
        int at = 0;
        for (int i = 0; i < length; i++) {
            long size = bytes - at < Long.BYTES ? -1 : copy.getLong(at);
            if (size < 0 || size > bytes - at - Long.BYTES) {
                throw cursor.changed();
            }
            strings[i] = cursor.utf8(copy.array(), at + Long.BYTES, (int) size, "array string", offset + at);
            at += Long.BYTES + (int) size;
        }
        return strings;
    }

    private boolean[] bools(ByteBuffer copy) {
        var bools = new boolean[length];
        for (int i = 0; i < length; i++) {
            int value = copy.get(i) & 0xff;
            if (value > 1) {
                throw cursor.refusal("array bool must be 0 or 1", "value=" + value, offset + i);
            }
            bools[i] = value == 1;
        }
        return bools;
    }

    private double[] numbers(ByteBuffer copy) {
        var numbers = new double[length];
        for (int i = 0; i < length; i++) {
            numbers[i] = type == GgufType.FLOAT32 ? copy.getFloat(4 * i) : copy.getDouble(8 * i);
        }
        return numbers;
    }

    private long[] integers(ByteBuffer copy) {
        var integers = new long[length];
        for (int i = 0; i < length; i++) {
            int at = i * type.bytes();
            long value = type.integer(copy, at);
            if (type == GgufType.UINT64 && value < 0) {
                throw cursor.refusal(
                        "array integer must fit 63 bits", "value=" + Long.toUnsignedString(value), offset + at);
            }
            integers[i] = value;
        }
        return integers;
    }
}
