package dev.quire.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// Lines of bytes in, text out, both through buffers. What was written leaves before a read that might wait, so that a
/// program that sends a line and reads the answer is never kept waiting.
final class LineReader {
    private static final int BUFFER_BYTES = 1 << 18;

    private final InputStream in;
    private final PrintStream out;
    private byte[] buffer = new byte[BUFFER_BYTES]; // grows to the longest line
    private int start; // of the next line
    private int end; // of what was read
    private ByteBuffer line = ByteBuffer.allocate(0);
    private final byte[] written = new byte[BUFFER_BYTES];
    private int writtenBytes;

    LineReader(InputStream in, PrintStream out) {
        this.in = in;
        this.out = out;
    }

    /// Reads the next line; false at the end. A last line needs no line feed.
    boolean next() throws IOException {
        int scanned = start;
        while (true) {
            for (int i = scanned; i < end; i++) {
                if (buffer[i] == '\n') {
                    line = ByteBuffer.wrap(buffer, start, i - start);
                    start = i + 1;
                    return true;
                }
            }
            scanned = end - start;
            if (!fill()) {
                if (start == end) {
                    return false;
                }
                line = ByteBuffer.wrap(buffer, start, end - start);
                start = end;
                return true;
            }
        }
    }

    /// The line's bytes without its line feed, valid until the next call of `next`.
    ByteBuffer line() {
        return line;
    }

    void write(StringBuilder ascii) {
        byte[] bytes = ascii.toString().getBytes(StandardCharsets.ISO_8859_1);
        if (writtenBytes + bytes.length > written.length) {
            drain();
        }
        if (bytes.length > written.length) {
            out.write(bytes, 0, bytes.length);
            return;
        }
        System.arraycopy(bytes, 0, written, writtenBytes, bytes.length);
        writtenBytes += bytes.length;
    }

    void flush() {
        drain();
        out.flush();
    }

    private void drain() {
        out.write(written, 0, writtenBytes);
        writtenBytes = 0;
    }

    /// Moves the unfinished line to the front and reads behind it; false at the end of the input.
    private boolean fill() throws IOException {
        System.arraycopy(buffer, start, buffer, 0, end - start);
        end -= start;
        start = 0;
        if (end == buffer.length) {
            if (end > Integer.MAX_VALUE / 2 - 16) {
                throw new CommandFailedException("line must be shorter than 1 GiB: bytes=" + end);
            }
            buffer = Arrays.copyOf(buffer, 2 * end);
        }
        if (in.available() == 0) {
            flush();
        }
        int bytes = in.read(buffer, end, buffer.length - end);
        if (bytes <= 0) {
            return false;
        }
        end += bytes;
        return true;
    }
}
