package dev.quire.engine;

import dev.quire.kernel.Packing;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

/// Takes the times of a start, part by part, and how much memory it made resident.
final class LoadClock {
    private static final Path STATUS = Path.of("/proc/self/status");

    private final long residentBytes = residentBytes();
    private long last = System.nanoTime();
    private long openNanos;
    private long tokenizerNanos;
    private long kernelsNanos;
    private long weightsNanos;

    void opened() {
        openNanos = lap();
    }

    void tokenizerRead() {
        tokenizerNanos = lap();
    }

    void kernelsOpened() {
        kernelsNanos = lap();
    }

    void weightsLoaded() {
        weightsNanos = lap();
    }

    /// Leaves out what has happened since the last part.
    void skip() {
        lap();
    }

    private long lap() {
        long now = System.nanoTime();
        long nanos = now - last;
        last = now;
        return nanos;
    }

    LoadReport report(Path file, Packing packing) {
        String text = packing.kind().name().toLowerCase(Locale.ROOT)
                + (packing.reason().isEmpty() ? "" : ": " + packing.reason());
        return new LoadReport(
                file,
                openNanos,
                tokenizerNanos,
                kernelsNanos,
                weightsNanos,
                text,
                packing.kind() == Packing.Kind.MEMORY ? Optional.empty() : Optional.of(packing.file()),
                packing.bytes(),
                residentBytes() - residentBytes);
    }

    /// 0 where the system does not say.
    private static long residentBytes() {
        try {
            return Files.readAllLines(STATUS).stream()
                    .filter(line -> line.startsWith("VmRSS:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
                    .findFirst()
                    .orElse(0);
        } catch (IOException e) {
            return 0;
        }
    }
}
