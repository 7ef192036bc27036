package dev.quire.format;

import java.nio.ByteBuffer;

/// Types of metadata values in the order of the specification's numbers, 0 to 12 (ggml's `docs/gguf.md`).
enum GgufType {
    UINT8(1),
    INT8(1),
    UINT16(2),
    INT16(2),
    UINT32(4),
    INT32(4),
    FLOAT32(4),
    BOOL(1),
    STRING(8),
    ARRAY(12),
    UINT64(8),
    INT64(8),
    FLOAT64(8);

    private static final GgufType[] ALL = values();

    private final int bytes;

    GgufType(int bytes) {
        this.bytes = bytes;
    }

    /// Bytes of a value; of a string and of an array, those that there are at least.
    int bytes() {
        return bytes;
    }

    /// Whether a `long` takes its values; those of {@link #UINT64} from 2^63 on it does not.
    boolean isInteger() {
        return switch (this) {
            case UINT8, INT8, UINT16, INT16, UINT32, INT32, UINT64, INT64 -> true;
            case FLOAT32, BOOL, STRING, ARRAY, FLOAT64 -> false;
        };
    }

    /// The type of that number, or null where the specification has none.
    static GgufType of(int number) {
        return number < 0 || number >= ALL.length ? null : ALL[number];
    }

    /// The integer at `at`, in the buffer's byte order; one of {@link #UINT64} as the 64 bits that it has.
    long integer(ByteBuffer buffer, int at) {
        return switch (this) {
            case UINT8 -> buffer.get(at) & 0xff;
            case INT8 -> buffer.get(at);
            case UINT16 -> buffer.getShort(at) & 0xffff;
            case INT16 -> buffer.getShort(at);
            case UINT32 -> Integer.toUnsignedLong(buffer.getInt(at));
            case INT32 -> buffer.getInt(at);
            case UINT64, INT64 -> buffer.getLong(at);
            case FLOAT32, BOOL, STRING, ARRAY, FLOAT64 ->
                throw new IllegalStateException("type must be an integer's: type=" + this);
        };
    }
}
