package dev.quire.load;

import java.util.Arrays;

/// Cuts a stream of bytes into server-sent events (WHATWG HTML, section 9.2) and hands on the data of each.
/// Lines end with a line feed, a carriage return or both; an event that the stream's end cuts off is dropped. A
/// field `error`, which the standard does not know, is data too: llama.cpp's server has sent its errors so.
///
/// An event may have {@link #MOST_BYTES}. Not thread-safe: the thread of its run owns it.
final class EventLines {
    static final int MOST_BYTES = 1 << 24;

    /// Takes the data of one event: `length` bytes from `from` on, which are another event's afterwards.
    interface Sink {
        void event(byte[] bytes, int from, int length);
    }

    private final Sink sink;
    private byte[] line = new byte[512];
    private int lineLength;
    private byte[] data = new byte[512];
    private int dataLength;
    private boolean hasData;
    private boolean afterReturn; // a line feed that comes now belongs to the line before

    EventLines(Sink sink) {
        this.sink = sink;
    }

    void feed(byte[] bytes) {
        int from = 0;
        for (int i = 0; i < bytes.length; i++) {
            byte b = bytes[i];
            if (b == '\n' && afterReturn) {
                from = i + 1;
            } else if (b == '\n' || b == '\r') {
                append(bytes, from, i);
                from = i + 1;
                endLine();
            }
            afterReturn = b == '\r';
        }
        append(bytes, from, bytes.length);
    }

    private void append(byte[] bytes, int from, int to) {
        line = room(line, lineLength, to - from);
        System.arraycopy(bytes, from, line, lineLength, to - from);
        lineLength += to - from;
    }

    private void endLine() {
        if (lineLength == 0) {
            if (hasData) {
                sink.event(data, 0, dataLength);
            }
            hasData = false;
            dataLength = 0;
            return;
        }
        int value = valueOf("data");
        if (value < 0) {
            value = valueOf("error");
        }
        if (value >= 0) {
            data = room(data, dataLength, lineLength - value + 1);
            if (hasData) {
                data[dataLength++] = '\n';
            }
            System.arraycopy(line, value, data, dataLength, lineLength - value);
            dataLength += lineLength - value;
            hasData = true;
        }
        lineLength = 0;
    }

    /// Where the value of the line begins, if its field is `name`; else -1.
    private int valueOf(String name) {
        int length = name.length();
        if (lineLength < length) {
            return -1;
        }
        for (int i = 0; i < length; i++) {
            if (line[i] != name.charAt(i)) {
                return -1;
            }
        }
        if (lineLength == length) {
            return length;
        }
        if (line[length] != ':') {
            return -1;
        }
        return lineLength > length + 1 && line[length + 1] == ' ' ? length + 2 : length + 1;
    }

    private static byte[] room(byte[] bytes, int used, int more) {
        if (used + more <= bytes.length) {
            return bytes;
        }
        if (used + more > MOST_BYTES) {
            throw new LoadException("event must be at most " + MOST_BYTES + " bytes");
        }
        return Arrays.copyOf(bytes, Math.max(2 * bytes.length, used + more));
    }
}
