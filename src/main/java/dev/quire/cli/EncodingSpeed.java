package dev.quire.cli;

import dev.quire.tokenizer.Tokenizer;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/// Encodes, and adds up what that took: this thread's processor time, which a busy machine does not change much.
final class EncodingSpeed {
    private final ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    private long bytes;
    private long tokens;
    private long nanos;

    int[] encode(Tokenizer tokenizer, String text, boolean addSpecialTokens) {
        long start = threads.getCurrentThreadCpuTime();
        int[] ids = tokenizer.encode(text, addSpecialTokens);
        nanos += threads.getCurrentThreadCpuTime() - start;
        bytes += text.getBytes(StandardCharsets.UTF_8).length;
        tokens += ids.length;
        return ids;
    }

    @Override
    public String toString() {
        return String.format(
                Locale.ROOT,
                "%.1f MB/s: bytes=%d, tokens=%d, cpuMillis=%d",
                nanos == 0 ? 0 : bytes * 1e3 / nanos,
                bytes,
                tokens,
                nanos / 1_000_000);
    }
}
