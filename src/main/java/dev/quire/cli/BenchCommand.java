package dev.quire.cli;

import dev.quire.load.Endpoint;
import dev.quire.load.Lengths;
import dev.quire.load.Level;
import dev.quire.load.LevelJson;
import dev.quire.load.LevelReport;
import dev.quire.load.LevelText;
import dev.quire.load.LoadException;
import dev.quire.load.LoadGenerator;
import dev.quire.load.LoadPlan;
import dev.quire.load.LoadProgress;
import dev.quire.load.SharedPrefix;
import dev.quire.load.Target;
import dev.quire.load.Workload;
import io.quarkus.runtime.configuration.DurationConverter;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// Loads any server with OpenAI's API and says how fast it answers.
@Command(
        name = "bench",
        abbreviateSynopsis = true,
        description = "Load a server that has OpenAI's API, this one or another, and show how fast it answers.",
        footer = {
            "",
            "A LENGTH is 128, or 64-256 (any of these), normal:MEAN,SD, lognormal:MEAN,SD, or a list to draw from such as",
            "128,512,2048. The exit status is 1 when a request failed.",
            "",
            "Examples:",
            "  quire bench --concurrency 1,8,32 --prompt-tokens 128 --output-tokens 128",
            "  quire bench --url http://localhost:8000 --request-rate 4 --prompt-tokens lognormal:300,200 --json"
        })
final class BenchCommand implements Callable<Integer> {
    private static final String STANDARD_OUTPUT = "-";

    private final Terminal terminal;
    private final UnaryOperator<String> environment;

    @Spec
    private CommandSpec spec;

    @Option(names = "--url", paramLabel = "URL", description = "the server (default: http://localhost:8080)")
    private String url = "http://localhost:8080";

    @Option(names = "--model", paramLabel = "NAME", description = "default: the first that the server lists")
    private String model;

    @Option(
            names = "--endpoint",
            paramLabel = "NAME",
            description = "completions (prompts are random token ids) or chat (random words) (default: completions)")
    private String endpoint = "completions";

    @Option(names = "--api-key", paramLabel = "KEY", description = "default: what OPENAI_API_KEY says, if anything")
    private String apiKey;

    @Option(names = "--label", paramLabel = "TEXT", description = "what the results are to be called")
    private String label = "";

    @Option(
            names = "--concurrency",
            paramLabel = "NUMBER",
            split = ",",
            description = "clients at once, each with one request after the other; levels one by one (default: 1,8,32)")
    private List<Integer> concurrency;

    @Option(
            names = "--request-rate",
            paramLabel = "NUMBER",
            split = ",",
            description = "requests that come in a second, whether or not the server keeps up; several levels: 1,2,4")
    private List<Double> requestRate;

    @Option(
            names = "--burstiness",
            paramLabel = "NUMBER",
            description = "of --request-rate: 1 = a Poisson process, less = in bursts, more = evenly (default: 1)")
    private Double burstiness;

    @Option(
            names = "--max-concurrency",
            paramLabel = "NUMBER",
            description = "of --request-rate: so many at once, others wait unsent (default: no bound)")
    private Integer maxConcurrency;

    @Option(
            names = "--requests",
            paramLabel = "NUMBER",
            description = "requests of a run, at least one for each client (default: one for each client, but 4; with"
                    + " --request-rate those of 10 seconds, but 10)")
    private Integer requests;

    @Option(names = "--runs", paramLabel = "NUMBER", description = "runs of each level (default: 3)")
    private int runs = 3;

    @Option(names = "--warmup", paramLabel = "NUMBER", description = "runs before those, not counted (default: 1)")
    private int warmup = 1;

    @Option(names = "--prompt-tokens", paramLabel = "LENGTH", description = "of each prompt (default: 128)")
    private String promptTokens = "128";

    @Option(names = "--output-tokens", paramLabel = "LENGTH", description = "of each answer (default: 128)")
    private String outputTokens = "128";

    @Option(
            names = "--shared-prefix",
            paramLabel = "TOKENS[:GROUPS]",
            description = "what prompts begin with in common, before --prompt-tokens of their own; with several groups,"
                    + " requests take their prefixes in turn (default: 0)")
    private String sharedPrefix = "0";

    @Option(names = "--lowest-token", paramLabel = "ID", description = "ids are drawn from here (default: 1000)")
    private int lowestToken = 1000;

    @Option(names = "--highest-token", paramLabel = "ID", description = "to below here (default: 30000)")
    private int highestToken = 30_000;

    @Option(names = "--n", paramLabel = "NUMBER", description = "choices of each request (default: 1)")
    private int choices = 1;

    @Option(names = "--temperature", paramLabel = "NUMBER", description = "0 = always the likeliest token (default: 0)")
    private double temperature;

    @Option(
            names = "--ignore-eos",
            negatable = true,
            defaultValue = "true",
            fallbackValue = "true",
            description = "have answers go on behind the model's end, to their full length (default: so)")
    private boolean ignoreEos;

    @Option(names = "--seed", paramLabel = "NUMBER", description = "the same seed gives the same load (default: 1)")
    private long seed = 1;

    @Option(
            names = "--timeout",
            paramLabel = "TIME",
            description = "how long an answer may bring nothing before it is given up (default: 600s)")
    private String timeout = "600s";

    @Option(
            names = "--json",
            arity = "0..1",
            fallbackValue = STANDARD_OUTPUT,
            paramLabel = "FILE",
            description = "one JSON object a line for each level: in place of the text, or into FILE beside it")
    private String json;

    BenchCommand(Terminal terminal, UnaryOperator<String> environment) {
        this.terminal = terminal;
        this.environment = environment;
    }

    @Override
    public Integer call() {
        try {
            LoadPlan plan = plan();
            if (json == null || json.equals(STANDARD_OUTPUT)) {
                return run(plan, terminal.out());
            }
            try (PrintStream file = file()) {
                return run(plan, file);
            }
        } catch (LoadException e) {
            throw new CommandFailedException(e.getMessage());
        }
    }

    private int run(LoadPlan plan, PrintStream lines) {
        boolean text = !STANDARD_OUTPUT.equals(json);
        var generator = new LoadGenerator(plan, new LoadProgress(terminal.err(), System.console() != null));
        List<LevelReport> reports = new ArrayList<>();
        if (text) {
            print(LevelText.heading(plan));
        }
        generator.run(report -> {
            reports.add(report);
            if (text) {
                print(LevelText.block(report));
            }
            if (json != null) {
                lines.println(LevelJson.of(report));
                lines.flush();
            }
            tell(LevelText.name(report.level()), report.failures());
        });
        if (text && reports.size() > 1) {
            print(LevelText.summary(reports));
        }
        tell("warm-up", generator.warmupFailures());
        boolean failed = reports.stream().anyMatch(report -> report.failed() > 0);
        return failed || !generator.warmupFailures().isEmpty() ? 1 : 0;
    }

    private PrintStream file() {
        try {
            return new PrintStream(Files.newOutputStream(Path.of(json)), false, StandardCharsets.UTF_8);
        } catch (IOException | InvalidPathException e) {
            throw new CommandFailedException("file must be one that can be written: --json=" + json);
        }
    }

    private void print(String block) {
        terminal.out().print(block + "\n");
        terminal.out().flush();
    }

    private void tell(String where, Map<String, Integer> failures) {
        failures.forEach((message, count) ->
                terminal.err().println("quire: " + where + ": failed requests: " + count + ", each: " + message));
    }

    private LoadPlan plan() {
        Endpoint kind = checked("--endpoint", endpoint, text -> switch (text.toLowerCase(Locale.ROOT)) {
            case "completions" -> Endpoint.COMPLETIONS;
            case "chat" -> Endpoint.CHAT;
            default -> throw new IllegalArgumentException("must be completions or chat");
        });
        URI address = checked("--url", url, Target::address);
        Duration patience = checked("--timeout", timeout, BenchCommand::patience);
        Lengths prompts = checked("--prompt-tokens", promptTokens, Lengths::parse);
        Lengths answers = checked("--output-tokens", outputTokens, Lengths::parse);
        SharedPrefix prefix = checked("--shared-prefix", sharedPrefix, SharedPrefix::parse);
        if (model != null && model.isBlank()) {
            throw wrong("--model must not be empty: --model=" + model);
        }
        Target target = new Target(address, key(), patience);
        try {
            List<Level> levels = levels();
            Workload workload = workload(kind, prompts, answers, prefix, model == null ? "" : model);
            LoadPlan plan = plan(target, workload, levels);
            // Asked last, so that a wrong call is refused without a server.
            return model != null
                    ? plan
                    : plan(target, workload(kind, prompts, answers, prefix, LoadGenerator.firstModel(target)), levels);
        } catch (IllegalArgumentException e) {
            throw wrong(e.getMessage());
        }
    }

    private LoadPlan plan(Target target, Workload workload, List<Level> levels) {
        OptionalInt wanted = requests == null ? OptionalInt.empty() : OptionalInt.of(requests);
        return new LoadPlan(target, workload, levels, wanted, runs, warmup, label);
    }

    private Workload workload(Endpoint kind, Lengths prompts, Lengths answers, SharedPrefix prefix, String name) {
        return new Workload(
                name, kind, prompts, answers, prefix, lowestToken, highestToken, choices, temperature, ignoreEos, seed);
    }

    private List<Level> levels() {
        if (requestRate == null) {
            if (maxConcurrency != null || burstiness != null) {
                throw wrong((maxConcurrency != null ? "--max-concurrency" : "--burstiness")
                        + " needs --request-rate, which it belongs to");
            }
            List<Integer> levels = concurrency == null ? List.of(1, 8, 32) : concurrency;
            return levels.stream().<Level>map(Level.Closed::new).toList();
        }
        if (concurrency != null) {
            throw wrong("--concurrency and --request-rate must not both be given");
        }
        double shape = burstiness == null ? 1 : burstiness;
        OptionalInt most = maxConcurrency == null ? OptionalInt.empty() : OptionalInt.of(maxConcurrency);
        return requestRate.stream()
                .<Level>map(rate -> new Level.Open(rate, shape, most))
                .toList();
    }

    private Optional<String> key() {
        String key = apiKey != null ? apiKey : environment.apply("OPENAI_API_KEY");
        if (key == null || key.isBlank()) {
            return Optional.empty();
        }
        if (!key.strip().matches("[!-~]+")) {
            throw wrong("the API key must consist of visible ASCII characters"); // and is not for others to see
        }
        return Optional.of(key.strip());
    }

    private static Duration patience(String text) {
        Duration time;
        try {
            time = new DurationConverter().convert(text);
        } catch (IllegalArgumentException e) {
            time = null;
        }
        if (time == null || time.toMillis() < 1 || time.toDays() > 1) {
            throw new IllegalArgumentException("must be a time such as 60s, 500ms or 2m, of at most a day");
        }
        return time;
    }

    /// Reads a flag's text; `read` says what it must be when it is not.
    private <T> T checked(String flag, String text, Function<String, T> read) {
        try {
            return read.apply(text);
        } catch (IllegalArgumentException e) {
            throw wrong(flag + " " + e.getMessage() + ": " + flag + "=" + text);
        }
    }

    private ParameterException wrong(String message) {
        return new ParameterException(spec.commandLine(), message);
    }
}
