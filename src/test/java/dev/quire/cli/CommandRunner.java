package dev.quire.cli;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;

/// Runs one command as the process would, and keeps what it wrote.
final class CommandRunner {
    record Outcome(int status, String out, String err) {}

    final Map<String, String> environment = new TreeMap<>();
    Map<String, String> served; // null until the server was started

    Outcome run(String... arguments) {
        return run(new byte[0], arguments);
    }

    Outcome run(byte[] stdin, String... arguments) {
        var out = new ByteArrayOutputStream();
        var err = new ByteArrayOutputStream();
        int status = Quire.run(
                Terminal.of(new ByteArrayInputStream(stdin), out, err),
                environment::get,
                properties -> {
                    served = properties;
                    return 0;
                },
                arguments);
        return new Outcome(status, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }
}
