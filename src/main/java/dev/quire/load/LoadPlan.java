package dev.quire.load;

import java.util.List;
import java.util.OptionalInt;

/// A whole load: levels one after the other, each in several runs.
///
/// - `requests`: of each run; without it, what is usual at the level
/// - `runs`: counted; the medians of their rates are reported
/// - `warmup`: runs of each level before those, which are not counted
public record LoadPlan(
        Target target,
        Workload workload,
        List<Level> levels,
        OptionalInt requests,
        int runs,
        int warmup,
        String label) {
    private static final int MOST_REQUESTS = 10_000_000;
    private static final int MOST_RUNS = 1000;

    public LoadPlan {
        levels = List.copyOf(levels);
        if (requests.isPresent() && (requests.getAsInt() < 1 || requests.getAsInt() > MOST_REQUESTS)) {
            throw new IllegalArgumentException(
                    "requests must be between 1 and " + MOST_REQUESTS + ": requests=" + requests.getAsInt());
        }
        if (runs < 1 || runs > MOST_RUNS) {
            throw new IllegalArgumentException("runs must be between 1 and " + MOST_RUNS + ": runs=" + runs);
        }
        if (warmup < 0 || warmup > MOST_RUNS) {
            throw new IllegalArgumentException("warmup must be between 0 and " + MOST_RUNS + ": warmup=" + warmup);
        }
    }

    int requestsOf(Level level) {
        return Math.max(requests.orElse(level.usualRequests()), level.leastRequests());
    }
}
