package dev.quire.load;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.Consumer;

/// Puts a planned load on a server, level by level.
public final class LoadGenerator {
    private final LoadPlan plan;
    private final LoadProgress progress;
    private final Requests requests;
    private final SplittableRandom arrivals;
    private final Map<String, Integer> warmupFailures = new TreeMap<>();

    public LoadGenerator(LoadPlan plan, LoadProgress progress) {
        this.plan = plan;
        this.progress = progress;
        requests = new Requests(plan.workload());
        arrivals = new SplittableRandom(~plan.workload().seed()); // another stream than that of the prompts
    }

    /// The first model that a server lists. Throws {@link LoadException} when it lists none.
    public static String firstModel(Target target) {
        try (var client = new ServerClient(target)) {
            return client.firstModel();
        }
    }

    /// Runs every level and hands each one's report to `each` when it is done. Throws {@link LoadException}
    /// when a run had not one complete answer: the others would have none either.
    public void run(Consumer<LevelReport> each) {
        try (var client = new ServerClient(plan.target())) {
            for (Level level : plan.levels()) {
                for (int i = 0; i < plan.warmup(); i++) {
                    run(client, level, "warm-up")
                            .failures
                            .forEach((message, count) -> warmupFailures.merge(message, count, Integer::sum));
                }
                List<RunFigures> runs = new ArrayList<>();
                for (int i = 0; i < plan.runs(); i++) {
                    runs.add(run(client, level, "run " + (i + 1) + " of " + plan.runs()));
                }
                each.accept(new LevelReport(plan, level, runs));
            }
        }
    }

    /// How often each kind of failure was seen in runs that are not counted.
    public Map<String, Integer> warmupFailures() {
        return Map.copyOf(warmupFailures);
    }

    private RunFigures run(ServerClient client, Level level, String name) {
        int total = plan.requestsOf(level);
        progress.start(LevelText.name(level) + ", " + name, total);
        RunFigures figures;
        try {
            figures =
                    new LoadRun(client, plan.workload(), requests, level, total, progress::step).run(arrivals.split());
        } finally {
            progress.end();
        }
        if (figures.completed == 0) {
            throw new LoadException(figures.failures.entrySet().stream()
                    .max(Map.Entry.comparingByValue())
                    .map(most -> most.getKey() + hint(most.getKey()))
                    .orElse("no request was answered"));
        }
        return figures;
    }

    /// Which flag helps, where the server's words say that one would.
    private String hint(String message) {
        String words = message.toLowerCase(Locale.ROOT);
        boolean completions = plan.workload().endpoint() == Endpoint.COMPLETIONS;
        if (words.contains("status=401") || words.contains("status=403")) {
            return "; --api-key or OPENAI_API_KEY gives the key";
        }
        if (!words.contains("status=400") && !words.contains("status=422")) {
            return "";
        }
        if (words.contains("ignore_eos") && plan.workload().ignoreEos()) {
            return "; --no-ignore-eos leaves it out";
        }
        boolean unknownToken = words.contains("vocab") || words.contains("invalid token");
        if (unknownToken && completions) {
            return "; --highest-token bounds the ids of prompts";
        }
        boolean tooLong = words.contains("context") || words.contains("length");
        if (words.contains("prompt") && completions && !tooLong) {
            return "; --endpoint chat sends texts instead of token ids";
        }
        return "";
    }
}
