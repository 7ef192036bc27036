package dev.quire.cli;

import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/// Where a command reads and writes: the process's streams, or a test's. `out` is for results, in UTF-8; `err` is for
/// people.
record Terminal(InputStream in, PrintStream out, PrintStream err) {
    static Terminal of(InputStream in, OutputStream out, OutputStream err) {
        return new Terminal(
                in,
                new PrintStream(out, false, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8));
    }
}
