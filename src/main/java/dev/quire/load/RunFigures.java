package dev.quire.load;

import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;

/// What one run has measured so far. Latencies and tokens are those of complete answers.
///
/// Not thread-safe: the event loop owns it until the run has ended.
final class RunFigures {
    /// More kinds of failure than this are counted together.
    private static final int MOST_KINDS = 16;

    final Samples firstMillis = new Samples();
    final Samples gapMillis = new Samples();
    final Samples tokenMillis = new Samples();
    final Samples endMillis = new Samples();
    final Map<String, Integer> failures = new TreeMap<>();
    int completed;
    int failed; // those that were refused among them
    int refused;
    int early;
    int uncounted; // complete answers without usage
    OptionalInt retryAfterSeconds = OptionalInt.empty(); // the longest
    long promptTokens;
    long cachedTokens;
    long outputTokens;
    long events;
    int mostAtOnce;
    double seconds;
    double cpuSeconds; // of this process

    void add(Outcome outcome) {
        switch (outcome) {
            case Outcome.Completed(var answer) -> add(answer);
            case Outcome.Refused(var message, var retryAfter) -> {
                refused++;
                fail(message);
                if (retryAfter.isPresent()) {
                    retryAfterSeconds = OptionalInt.of(Math.max(retryAfter.getAsInt(), retryAfterSeconds.orElse(0)));
                }
            }
            case Outcome.Failed(var message) -> fail(message);
        }
    }

    private void add(Answer answer) {
        completed++;
        early += answer.early() ? 1 : 0;
        uncounted += answer.counted() ? 0 : 1;
        promptTokens += answer.promptTokens();
        cachedTokens += answer.cachedTokens();
        outputTokens += answer.outputTokens();
        events += answer.events();
        firstMillis.add(answer.firstMillis());
        endMillis.add(answer.endMillis());
        gapMillis.addAll(answer.gaps());
        if (!Double.isNaN(answer.millisPerToken())) {
            tokenMillis.add(answer.millisPerToken());
        }
    }

    private void fail(String message) {
        failed++;
        boolean known = failures.containsKey(message) || failures.size() < MOST_KINDS;
        failures.merge(known ? message : "other failures", 1, Integer::sum);
    }
}
