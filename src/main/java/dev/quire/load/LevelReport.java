package dev.quire.load;

import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;

/// What a level has measured in all of its counted runs: latencies over the complete answers of all runs, rates
/// as medians of the runs' rates.
public final class LevelReport {
    private final LoadPlan plan;
    private final Level level;
    private final List<RunFigures> runs;

    LevelReport(LoadPlan plan, Level level, List<RunFigures> runs) {
        this.plan = plan;
        this.level = level;
        this.runs = List.copyOf(runs);
    }

    LoadPlan plan() {
        return plan;
    }

    public Level level() {
        return level;
    }

    int runs() {
        return runs.size();
    }

    private long sum(ToLongFunction<RunFigures> value) {
        return runs.stream().mapToLong(value).sum();
    }

    public long completed() {
        return sum(run -> run.completed);
    }

    /// Requests that did not get their whole answer, for whatever reason.
    public long failed() {
        return sum(run -> run.failed);
    }

    /// Those of the failed ones that the server had no room for.
    long refused() {
        return sum(run -> run.refused);
    }

    /// Answers that ended before they were as long as was asked for.
    long early() {
        return sum(run -> run.early);
    }

    long promptTokens() {
        return sum(run -> run.promptTokens);
    }

    long cachedTokens() {
        return sum(run -> run.cachedTokens);
    }

    long outputTokens() {
        return sum(run -> run.outputTokens);
    }

    long events() {
        return sum(run -> run.events);
    }

    /// Whether the server said of every answer how many tokens it has.
    boolean counted() {
        return sum(run -> run.uncounted) == 0;
    }

    int mostAtOnce() {
        return runs.stream().mapToInt(run -> run.mostAtOnce).max().orElse(0);
    }

    OptionalInt retryAfterSeconds() {
        return runs.stream()
                .filter(run -> run.retryAfterSeconds.isPresent())
                .mapToInt(run -> run.retryAfterSeconds.getAsInt())
                .max();
    }

    /// How often each kind of failure was seen.
    public Map<String, Integer> failures() {
        Map<String, Integer> all = new TreeMap<>();
        runs.forEach(run -> run.failures.forEach((message, count) -> all.merge(message, count, Integer::sum)));
        return all;
    }

    double seconds() {
        return runs.stream().mapToDouble(run -> run.seconds).sum();
    }

    /// Processor time of this process, all its threads, while the counted runs went on.
    double cpuSeconds() {
        return runs.stream().mapToDouble(run -> run.cpuSeconds).sum();
    }

    double requestsPerSecond() {
        return median(run -> run.completed / run.seconds);
    }

    double outputTokensPerSecond() {
        return median(run -> run.outputTokens / run.seconds);
    }

    double totalTokensPerSecond() {
        return median(run -> (run.promptTokens + run.outputTokens) / run.seconds);
    }

    double[] outputTokensPerSecondRuns() {
        return runs.stream().mapToDouble(run -> run.outputTokens / run.seconds).toArray();
    }

    double[] firstMillisRuns() {
        return runs.stream().mapToDouble(run -> run.firstMillis.median()).toArray();
    }

    Summary firstMillis() {
        return all(run -> run.firstMillis);
    }

    Summary gapMillis() {
        return all(run -> run.gapMillis);
    }

    Summary tokenMillis() {
        return all(run -> run.tokenMillis);
    }

    Summary endMillis() {
        return all(run -> run.endMillis);
    }

    /// Median of the answers' own rates, from the first token to the last.
    double decodeTokensPerSecondEach() {
        return 1000 / tokenMillis().p50();
    }

    private double median(ToDoubleFunction<RunFigures> value) {
        Samples samples = new Samples();
        runs.forEach(run -> samples.add(value.applyAsDouble(run)));
        return samples.median();
    }

    private Summary all(Function<RunFigures, Samples> part) {
        Samples all = new Samples();
        runs.forEach(run -> all.addAll(part.apply(run)));
        return all.summary();
    }
}
