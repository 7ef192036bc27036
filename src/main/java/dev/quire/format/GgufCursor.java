package dev.quire.format;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/// Reads the header of a GGUF file from front to back, and refuses instead of reading past its end.
///
/// Invariant: `0 <= position <= limit`. Every length is compared with what is left before memory is taken
/// for it.
/// Not thread-safe: {@link GgufFile#open} owns it; only what moves nothing ({@link #copy}, {@link #utf8}, the refusals)
/// may be called by others later.
final class GgufCursor {
    /// Bytes of keys, values and tensor descriptions that we are willing to parse. The largest vocabularies in use
    /// (262,144 tokens with merges) need about 16 MiB.
    static final long MAX_HEADER_BYTES = 1L << 28;

    /// Bytes of one string. Chat templates have a few thousand.
    static final long MAX_STRING_BYTES = 1L << 24;

    /// Bytes that are read at a time.
    static final int WINDOW_BYTES = 1 << 16;

    private final FileBytes file;
    private final int limit; // MAX_HEADER_BYTES is far below 2 GiB: positions are ints
    private final boolean cut;
    private final ByteBuffer window;
    private int windowStart;
    private int windowEnd;
    private int position;

    GgufCursor(FileBytes file) {
        this.file = file;
        this.limit = (int) Math.min(file.size(), MAX_HEADER_BYTES);
        this.cut = limit < file.size();
        this.window = ByteBuffer.allocate(Math.min(limit, WINDOW_BYTES)).order(ByteOrder.LITTLE_ENDIAN);
    }

    int position() {
        return position;
    }

    long remaining() {
        return limit - position;
    }

    int int32(String what) {
        return window.getInt(inWindow(take(4, what), 4));
    }

    long int64(String what) {
        return window.getLong(inWindow(take(8, what), 8));
    }

    /// An unsigned 64-bit number that must fit a `long`.
    long uint64(String what) {
        long at = position;
        long value = int64(what);
        if (value < 0) {
            throw refusal(what + " must fit 63 bits", "value=" + Long.toUnsignedString(value), at);
        }
        return value;
    }

    /// An integer of a metadata value's type; one without a sign must fit a `long`.
    long integer(GgufType type, String what) {
        if (type == GgufType.UINT64) {
            return uint64(what);
        }
        int bytes = type.bytes();
        return type.integer(window, inWindow(take(bytes, what), bytes));
    }

    /// A count of things that take at least `minimumBytes` each, of which we accept `most`.
    int count(String what, int minimumBytes, int most) {
        long at = position;
        long count = int64(what);
        if (count < 0 || count > most) {
            throw refusal(
                    what + " must not exceed its bound",
                    "count=" + Long.toUnsignedString(count) + ", bound=" + most,
                    at);
        }
        if (count * minimumBytes > remaining()) {
            throw refusal(
                    what + " must fit the rest of the file",
                    "count=" + count + ", minimumBytes=" + minimumBytes + ", remaining=" + remaining(),
                    at);
        }
        return (int) count;
    }

    boolean bool(String what) {
        long at = position;
        int value = window.get(inWindow(take(1, what), 1)) & 0xff;
        if (value > 1) {
            throw refusal(what + " must be 0 or 1", "value=" + value, at);
        }
        return value == 1;
    }

    /// A length in eight bytes, then as many bytes of UTF-8.
    String string(String what, long most) {
        int at = position;
        int length = length(what, most);
        int start = take(length, what);
        return length <= window.capacity()
                ? utf8(window.array(), inWindow(start, length), length, what, at)
                : utf8(copy(start, length), 0, length, what, at);
    }

    /// Goes past `count` strings, whose lengths it checks and whose bytes it does not read.
    void skipStrings(String what, int count, long most) {
        int at = position;
        for (int i = 0; i < count; i++) {
            long length = limit - at < Long.BYTES ? -1 : window.getLong(inWindow(at, Long.BYTES));
            if (length < 0 || length > most || length > limit - at - Long.BYTES) {
                // The same once more, for its refusal.
                position = at;
                take(length(what, most), what);
                throw changed();
            }
            at += Long.BYTES + (int) length;
        }
        position = at;
    }

    /// Goes past `size` bytes, which {@link #count} has found to be there.
    void skip(int size) {
        take(size, "array");
    }

    /// Bytes that were gone past.
    byte[] copy(int start, int length) {
        var bytes = new byte[length];
        file.read(start, bytes, 0, length);
        return bytes;
    }

    /// The text in `length` bytes from `start`; `offset` is where the file has it.
    String utf8(byte[] bytes, int start, int length, String what, long offset) {
        String decoded = new String(bytes, start, length, StandardCharsets.UTF_8);
        // The constructor puts U+FFFD for what it cannot decode; names and tokens are many, so it comes first.
        if (decoded.indexOf('\uFFFD') >= 0 && !isUtf8(ByteBuffer.wrap(bytes, start, length))) {
            throw refusal(what + " must be UTF-8", "length=" + length, offset);
        }
        return decoded;
    }

    private int length(String what, long most) {
        int at = position;
        long length = int64(what);
        if (length < 0 || length > most) {
            throw refusal(
                    what + " length must not exceed its bound",
                    "length=" + Long.toUnsignedString(length) + ", bound=" + most,
                    at);
        }
        return (int) length;
    }

    private static boolean isUtf8(ByteBuffer encoded) {
        try {
            StandardCharsets.UTF_8.newDecoder().decode(encoded);
            return true;
        } catch (CharacterCodingException e) {
            return false;
        }
    }

    /// A refusal in one line: what must hold, the values, the file and the offset.
    ModelFileException refusal(String whatMustHold, String values, long offset) {
        return new ModelFileException(whatMustHold + ": " + values + ", file=" + file.path() + ", offset=" + offset);
    }

    /// For contents that are not what they were a moment ago.
    ModelFileException changed() {
        return file.changed();
    }

    /// Where in the window `size` bytes lie, at most its capacity, that start at `at` and are there.
    private int inWindow(int at, int size) {
        if (at < windowStart || at + size > windowEnd) {
            int length = Math.min(window.capacity(), limit - at);
            windowEnd = windowStart; // nothing, should the read fail
            file.read(at, window.array(), 0, length);
            windowStart = at;
            windowEnd = at + length;
        }
        return at - windowStart;
    }

    private int take(long size, String what) {
        if (size > remaining()) {
            String whatMustHold = cut ? "header must fit its bound" : "file must not end inside its header";
            throw refusal(
                    whatMustHold, "reading=" + what + ", needed=" + size + ", remaining=" + remaining(), position);
        }
        int at = position;
        position += (int) size;
        return at;
    }

    /// A name from the file as part of a message: one line whatever it holds, and not too long.
    static String printable(String name) {
        return ModelFileException.printable(name);
    }
}
