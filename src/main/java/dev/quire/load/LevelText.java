package dev.quire.load;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/// Reports as text: a block for each level, and a line for each in the end where there are several.
public final class LevelText {
    private LevelText() {}

    /// What is about to be measured, in one line.
    public static String heading(LoadPlan plan) {
        Workload workload = plan.workload();
        String prefix = workload.prefix().tokens() == 0 ? "" : workload.prefix() + " shared + ";
        return (plan.label().isEmpty() ? "" : plan.label() + ": ") + workload.model() + " at "
                + plan.target().url() + workload.endpoint().path() + ", prompts of " + prefix + workload.promptTokens()
                + (workload.endpoint() == Endpoint.CHAT ? " words, " : " tokens, ")
                + (workload.choices() == 1 ? "answers" : workload.choices() + " answers each") + " of "
                + workload.outputTokens() + "\n";
    }

    public static String block(LevelReport report) {
        var text = new StringBuilder();
        double[] rates = report.outputTokensPerSecondRuns();
        line(text, "%s, %d %s", name(report.level()), report.runs(), report.runs() == 1 ? "run" : "runs");
        line(
                text,
                "  requests          %10d complete, %d failed in %.1f s; at most %d at once",
                report.completed(),
                report.failed(),
                report.seconds(),
                report.mostAtOnce());
        line(
                text,
                "  output tokens/s   %10.1f   runs from %.1f to %.1f",
                report.outputTokensPerSecond(),
                Arrays.stream(rates).min().orElse(Double.NaN),
                Arrays.stream(rates).max().orElse(Double.NaN));
        line(text, "  each, after first %10s", number(report.decodeTokensPerSecondEach()));
        line(text, "  all tokens/s      %10.1f", report.totalTokensPerSecond());
        line(text, "  requests/s        %10.3f", report.requestsPerSecond());
        line(text, "  milliseconds      %10s %10s %10s %10s %10s", "mean", "p50", "p90", "p99", "max");
        latencies(text, "to first token", report.firstMillis());
        latencies(text, "between events", report.gapMillis());
        latencies(text, "per output token", report.tokenMillis());
        latencies(text, "whole answer", report.endMillis());
        line(
                text,
                "  this generator    %10.3f s of processor time, %.1f us for each token",
                report.cpuSeconds(),
                1e6 * report.cpuSeconds() / Math.max(1, report.outputTokens()));
        notes(text, report);
        return text.toString();
    }

    private static void notes(StringBuilder text, LevelReport report) {
        if (!report.counted()) {
            line(text, "  note: the server sends no usage, so events are counted as tokens");
        }
        if (report.early() > 0) {
            line(text, "  note: %d answers ended before the length that was asked for", report.early());
        }
        if (report.cachedTokens() > 0) {
            line(
                    text,
                    "  note: %.1f %% of the prompts' tokens came from the server's cache",
                    100.0 * report.cachedTokens() / Math.max(1, report.promptTokens()));
        }
        if (report.refused() > 0) {
            String after = report.retryAfterSeconds().isPresent()
                    ? "; Retry-After was at most " + report.retryAfterSeconds().getAsInt() + " s"
                    : "";
            line(text, "  note: %d requests were refused with status 429%s", report.refused(), after);
        }
    }

    /// One line for each level.
    public static String summary(List<LevelReport> reports) {
        var text = new StringBuilder();
        line(
                text,
                "%-16s %12s %12s %12s %14s %14s %14s",
                "",
                "failed",
                "output tok/s",
                "each tok/s",
                "first p50 ms",
                "first p99 ms",
                "between p99 ms");
        for (LevelReport report : reports) {
            line(
                    text,
                    "%-16s %12d %12.1f %12s %14s %14s %14s",
                    name(report.level()),
                    report.failed(),
                    report.outputTokensPerSecond(),
                    number(report.decodeTokensPerSecondEach()),
                    number(report.firstMillis().p50()),
                    number(report.firstMillis().p99()),
                    number(report.gapMillis().p99()));
        }
        return text.toString();
    }

    /// `8 at once` or `2.5 a second`.
    public static String name(Level level) {
        return switch (level) {
            case Level.Closed closed -> closed.concurrency() + " at once";
            case Level.Open open -> Lengths.plain(open.rate()) + " a second";
        };
    }

    private static void latencies(StringBuilder text, String name, Summary summary) {
        line(
                text,
                "  %-17s %10s %10s %10s %10s %10s",
                name,
                number(summary.mean()),
                number(summary.p50()),
                number(summary.p90()),
                number(summary.p99()),
                number(summary.max()));
    }

    private static String number(double value) {
        return Double.isFinite(value) ? String.format(Locale.ROOT, "%.1f", value) : "-";
    }

    private static void line(StringBuilder text, String format, Object... values) {
        text.append(String.format(Locale.ROOT, format, values)).append('\n');
    }
}
