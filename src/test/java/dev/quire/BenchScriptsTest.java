package dev.quire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/// The scripts in `bench/` have Python tests of their own; here, so that `make test` runs them.
class BenchScriptsTest {
    @Test
    void benchTest_allOfIt_passes() throws IOException, InterruptedException {
        Process python = new ProcessBuilder("python3", "-B", "-m", "unittest", "bench/bench_test.py")
                .redirectErrorStream(true)
                .start();
        String output = new String(python.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(python.waitFor(60, TimeUnit.SECONDS), output);
        assertEquals(0, python.exitValue(), output);
    }
}
