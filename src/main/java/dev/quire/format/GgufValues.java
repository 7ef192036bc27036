package dev.quire.format;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/// Parses the key-value part of a GGUF file. Arrays are walked and left where they are ({@link GgufArray}).
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
                    : ModelMetadata.typeName(value);
            throw cursor.refusal(
                    "alignment must be a power of two from " + MIN_ALIGNMENT + " to " + MAX_ALIGNMENT,
                    ALIGNMENT_KEY + "=" + shown,
                    offset);
        }
        return bytes;
    }

    private Object value(String key) {
        GgufType type = type(key);
        return switch (type) {
            case UINT8, INT8, UINT16, INT16, UINT32, INT32, UINT64, INT64 -> cursor.integer(type, "metadata integer");
            case FLOAT32 -> (double) Float.intBitsToFloat(cursor.int32("metadata number"));
            case FLOAT64 -> Double.longBitsToDouble(cursor.int64("metadata number"));
            case BOOL -> cursor.bool("metadata bool");
            case STRING -> cursor.string("metadata string", GgufCursor.MAX_STRING_BYTES);
            case ARRAY -> array(key);
        };
    }

    private GgufArray array(String key) {
        int at = cursor.position();
        GgufType type = type(key);
        if (type == GgufType.ARRAY) {
            throw cursor.refusal("array must not hold arrays", named(key), at);
        }
        int length = cursor.count("elements of an array", type.bytes(), elementsLeft);
        elementsLeft -= length;
        int start = cursor.position();
        if (type == GgufType.STRING) {
            cursor.skipStrings("array string", length, GgufCursor.MAX_STRING_BYTES);
        } else {
            cursor.skip(length * type.bytes());
        }
        return new GgufArray(cursor, type, length, start, cursor.position() - start);
    }

    private GgufType type(String key) {
        int at = cursor.position();
        int number = cursor.int32("metadata value type");
        GgufType type = GgufType.of(number);
        if (type == null) {
            throw cursor.refusal(
                    "metadata value type must be 0 to 12",
                    "type=" + Integer.toUnsignedString(number) + ", " + named(key),
                    at);
        }
        return type;
    }

    private static String named(String key) {
        return "key=" + GgufCursor.printable(key);
    }
}
