package dev.quire.api;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.URL;
import java.nio.charset.StandardCharsets;

/// One TCP connection to the server under test: what no HTTP client would send, and ends that no client would make.
final class RawConnection implements AutoCloseable {
    private final Socket socket;

    RawConnection(URL server) {
        try {
            socket = new Socket(server.getHost(), server.getPort());
            socket.setSoTimeout(60_000); // of a busy machine
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void send(String text) {
        try {
            socket.getOutputStream().write(text.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void post(String path, String body) {
        send("POST " + path + " HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: "
                + body.getBytes(StandardCharsets.UTF_8).length + "\r\n\r\n" + body);
    }

    /// Everything up to and including `end`, or up to the connection's end.
    String readUntil(String end) {
        var read = new ByteArrayOutputStream();
        try {
            InputStream in = socket.getInputStream();
            for (int b = in.read(); b >= 0; b = in.read()) {
                read.write(b);
                if (b == end.charAt(end.length() - 1)
                        && read.toString(StandardCharsets.UTF_8).endsWith(end)) {
                    break;
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return read.toString(StandardCharsets.UTF_8);
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
