package dev.quire.format;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/// Parses the key-value part of a GGUF file. Numbers of the value types are those of the specification
/// (ggml's `docs/gguf.md`).
///
/// Not thread-safe: {@link GgufFile#open} owns it.
final class GgufValues {
    static final String ALIGNMENT_KEY = "general.alignment";

    /// Keys of a file; real ones have a few dozen.
    static final int MAX_KEYS = 1 << 16;

    /// Elements of all arrays together: strings of one byte then take about 0.2 GiB of heap. The largest
    /// vocabularies have 1.3 million (tokens, scores, types, merges).
    static final int MAX_ELEMENTS = 1 << 22;

    /// Bytes of a key, by the specification.
    static final int MAX_KEY_BYTES = (1 << 16) - 1;

    private static final int DEFAULT_ALIGNMENT = 32;
    private static final long MIN_ALIGNMENT = 8;
    private static final long MAX_ALIGNMENT = 1L << 20;

    private static final int UINT8 = 0;
    private static final int INT8 = 1;
    private static final int UINT16 = 2;
    private static final int INT16 = 3;
    private static final int UINT32 = 4;
    private static final int INT32 = 5;
    private static final int FLOAT32 = 6;
    private static final int BOOL = 7;
    private static final int STRING = 8;
    private static final int ARRAY = 9;
    private static final int UINT64 = 10;
    private static final int INT64 = 11;
    private static final int FLOAT64 = 12;

    private final GgufCursor cursor;
    private long alignment = DEFAULT_ALIGNMENT;
    private int elementsLeft = MAX_ELEMENTS;

    GgufValues(GgufCursor cursor) {
        this.cursor = cursor;
    }

    /// Bytes to a multiple of which tensors are aligned; known after {@link #read}.
    long alignment() {
        return alignment;
    }

    ModelMetadata read(Path file, int keys) {
        Map<String, Object> values = LinkedHashMap.newLinkedHashMap(keys);
        for (int i = 0; i < keys; i++) {
            long keyOffset = cursor.position();
            String key = cursor.string("metadata key", MAX_KEY_BYTES);
            if (key.isEmpty()) {
                throw cursor.refusal("metadata key must not be empty", "index=" + i, keyOffset);
            }
            long valueOffset = cursor.position();
            Object value = value(key);
            if (values.putIfAbsent(key, value) != null) {
                throw cursor.refusal("metadata key must be unique", named(key), keyOffset);
            }
            if (key.equals(ALIGNMENT_KEY)) {
                alignment = alignment(value, valueOffset);
            }
        }
        return new ModelMetadata(file, values);
    }

    private long alignment(Object value, long offset) {
        if (!(value instanceof Long bytes)
                || bytes < MIN_ALIGNMENT
                || bytes > MAX_ALIGNMENT
                || Long.bitCount(bytes) != 1) {
            String shown = value instanceof Long || value instanceof Double || value instanceof Boolean
                    ? value.toString()
                    : value.getClass().getSimpleName();
            throw cursor.refusal(
                    "alignment must be a power of two from " + MIN_ALIGNMENT + " to " + MAX_ALIGNMENT,
                    ALIGNMENT_KEY + "=" + shown,
                    offset);
        }
        return bytes;
    }

    private Object value(String key) {
        long at = cursor.position();
        int type = cursor.int32("metadata value type");
        return switch (type) {
            case UINT8, INT8, UINT16, INT16, UINT32, INT32, UINT64, INT64 -> integer(type);
            case FLOAT32, FLOAT64 -> number(type);
            case BOOL -> cursor.bool("metadata bool");
            case STRING -> cursor.string("metadata string", GgufCursor.MAX_STRING_BYTES);
            case ARRAY -> array(key);
            default -> throw unknownType(type, key, at);
        };
    }

    private Object array(String key) {
        long at = cursor.position();
        int type = cursor.int32("array element type");
        if (type == ARRAY) {
            throw cursor.refusal("array must not hold arrays", named(key), at);
        }
        int minimumBytes =
                switch (type) {
                    case UINT8, INT8, BOOL -> 1;
                    case UINT16, INT16 -> 2;
                    case UINT32, INT32, FLOAT32 -> 4;
                    case UINT64, INT64, FLOAT64, STRING -> 8;
                    default -> throw unknownType(type, key, at);
                };
        int length = cursor.count("elements of an array", minimumBytes, elementsLeft);
        elementsLeft -= length;
        return switch (type) {
            case FLOAT32, FLOAT64 -> {
                var numbers = new double[length];
                for (int i = 0; i < length; i++) {
                    numbers[i] = number(type);
                }
                yield numbers;
            }
            case BOOL -> {
                var flags = new boolean[length];
                for (int i = 0; i < length; i++) {
                    flags[i] = cursor.bool("array bool");
                }
                yield flags;
            }
            case STRING -> {
                var strings = new String[length];
                for (int i = 0; i < length; i++) {
                    strings[i] = cursor.string("array string", GgufCursor.MAX_STRING_BYTES);
                }
                yield strings;
            }
            default -> {
                var integers = new long[length];
                for (int i = 0; i < length; i++) {
                    integers[i] = integer(type);
                }
                yield integers;
            }
        };
    }

    private long integer(int type) {
        String what = "metadata integer";
        return switch (type) {
            case UINT8 -> cursor.uint8(what);
            case INT8 -> (byte) cursor.uint8(what);
            case UINT16 -> cursor.int16(what) & 0xffff;
            case INT16 -> cursor.int16(what);
            case UINT32 -> Integer.toUnsignedLong(cursor.int32(what));
            case INT32 -> cursor.int32(what);
            case UINT64 -> cursor.uint64(what);
            case INT64 -> cursor.int64(what);
            default -> throw new IllegalArgumentException("type must be an integer type: type=" + type);
        };
    }

    private double number(int type) {
        return type == FLOAT32
                ? Float.intBitsToFloat(cursor.int32("metadata number"))
                : Double.longBitsToDouble(cursor.int64("metadata number"));
    }

    private ModelFileException unknownType(int type, String key, long offset) {
        return cursor.refusal(
                "metadata value type must be 0 to 12",
                "type=" + Integer.toUnsignedString(type) + ", " + named(key),
                offset);
    }

    private static String named(String key) {
        return "key=" + GgufCursor.printable(key);
    }
}
