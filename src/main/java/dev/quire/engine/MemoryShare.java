package dev.quire.engine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Reads `quire.cache.memory` and its like: an amount of bytes (`512MiB`, `2GiB`, `1000000`) or a share of what is
/// free (`0.25`).
final class MemoryShare {
    private static final Pattern AMOUNT = Pattern.compile("(\\d{1,18})\\s*([a-z]*)");
    private static final Pattern SHARE = Pattern.compile("(0?\\.\\d+|1\\.0+|\\d{1,2}%|100%)");
    private static final Map<String, Long> UNITS = Map.ofEntries(
            Map.entry("", 1L),
            Map.entry("b", 1L),
            Map.entry("k", 1L << 10),
            Map.entry("kb", 1000L),
            Map.entry("kib", 1L << 10),
            Map.entry("m", 1L << 20),
            Map.entry("mb", 1_000_000L),
            Map.entry("mib", 1L << 20),
            Map.entry("g", 1L << 30),
            Map.entry("gb", 1_000_000_000L),
            Map.entry("gib", 1L << 30),
            Map.entry("t", 1L << 40),
            Map.entry("tb", 1_000_000_000_000L),
            Map.entry("tib", 1L << 40));
    private static final Path MEMINFO = Path.of("/proc/meminfo");
    private static final Path CGROUP = Path.of("/sys/fs/cgroup");

    private MemoryShare() {}

    /// Bytes that `setting`, the value of `name`, asks for when `freeBytes` are free.
    static long bytes(String name, String setting, long freeBytes) {
        String text = setting.strip().toLowerCase(Locale.ROOT);
        if (SHARE.matcher(text).matches()) {
            double share = text.endsWith("%")
                    ? Double.parseDouble(text.substring(0, text.length() - 1)) / 100
                    : Double.parseDouble(text);
            return (long) (freeBytes * share);
        }
        Matcher amount = AMOUNT.matcher(text);
        if (!amount.matches() || !UNITS.containsKey(amount.group(2))) {
            throw new IllegalArgumentException(
                    name + " must be bytes such as 512MiB or a share such as 0.25: " + name + "=" + setting);
        }
        try {
            return Math.multiplyExact(Long.parseLong(amount.group(1)), UNITS.get(amount.group(2)));
        } catch (ArithmeticException e) {
            throw new IllegalArgumentException(name + " must fit 64 bits: " + name + "=" + setting, e);
        }
    }

    /// Bytes that the process could take now: what the machine has available, or what its container's limit
    /// leaves.
    static long freeBytes() {
        long available = meminfoAvailable();
        long limit = number(CGROUP.resolve("memory.max"), Long.MAX_VALUE);
        if (limit == Long.MAX_VALUE) {
            return available;
        }
        return Math.max(0, Math.min(available, limit - number(CGROUP.resolve("memory.current"), 0)));
    }

    private static long meminfoAvailable() {
        try (var lines = Files.lines(MEMINFO)) {
            return lines.filter(line -> line.startsWith("MemAvailable:"))
                    .map(line -> line.replaceAll("\\D", ""))
                    .mapToLong(kilobytes -> Long.parseLong(kilobytes) << 10)
                    .findFirst()
                    .orElse(Long.MAX_VALUE);
        } catch (IOException e) {
            return Long.MAX_VALUE;
        }
    }

    /// The number in a cgroup file; `otherwise` where there is none (`max`, or no such file).
    private static long number(Path file, long otherwise) {
        try {
            String text = Files.readString(file).strip();
            return text.chars().allMatch(Character::isDigit) && !text.isEmpty() ? Long.parseLong(text) : otherwise;
        } catch (IOException e) {
            return otherwise;
        }
    }
}
