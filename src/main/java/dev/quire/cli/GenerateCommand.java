package dev.quire.cli;

import dev.quire.engine.GenerationEvent;
import dev.quire.engine.GenerationRequest;
import dev.quire.engine.InferenceEngine;
import dev.quire.engine.LoadedModel;
import dev.quire.engine.Submission;
import dev.quire.sampling.SamplingParameters;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.concurrent.ThreadLocalRandom;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// Answers one prompt in this process, without HTTP: the text as it comes on standard output, one line of numbers on
/// standard error at the end.
@Command(
        name = "generate",
        abbreviateSynopsis = true,
        description = "Answer one prompt on the terminal.",
        footer = {
            "",
            "Examples:",
            "  quire generate \"Why is the sky blue?\" --max-tokens 100",
            "  quire generate --raw --temperature 0.8 --seed 7 < prompt.txt"
        })
final class GenerateCommand implements Callable<Integer> {
    /// One sequence is all that runs, so the pool need not hold more.
    private static final Map<String, String> ONE_SEQUENCE = Map.of("quire.batch.sequences", "1");

    private final Terminal terminal;
    private volatile boolean interrupted;

    @Spec
    private CommandSpec spec;

    @Parameters(arity = "0..1", paramLabel = "PROMPT", description = "the prompt; - or nothing = standard input")
    private String prompt = "-";

    @Option(names = "--system", paramLabel = "TEXT", description = "a system message before the prompt")
    private String system;

    @Option(names = "--raw", description = "the prompt is the model's input as it stands, without chat template")
    private boolean raw;

    @Option(names = "--max-tokens", paramLabel = "NUMBER", description = "longest answer (default: 512)")
    private int maxTokens = 512;

    @Option(names = "--temperature", paramLabel = "NUMBER", description = "0 = always the likeliest token (default: 0)")
    private float temperature;

    @Option(names = "--top-p", paramLabel = "SHARE", description = "draw from the likeliest tokens (default: 1 = all)")
    private float topP = 1;

    @Option(names = "--top-k", paramLabel = "NUMBER", description = "draw from that many tokens (default: 0 = all)")
    private int topK;

    @Option(names = "--min-p", paramLabel = "SHARE", description = "least share of the likeliest's (default: 0)")
    private float minP;

    @Option(names = "--seed", paramLabel = "NUMBER", description = "seed of the draw (default: a new one each time)")
    private Long seed;

    @Option(names = "--stop", paramLabel = "TEXT", description = "end before this text; may be given several times")
    private List<String> stop = new ArrayList<>();

    GenerateCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() {
        var flags = SettingFlags.given(spec.commandLine().getParseResult(), SettingFlags.all());
        long drawSeed = seed != null ? seed : ThreadLocalRandom.current().nextInt(Integer.MAX_VALUE);
        SamplingParameters sampling = sampling(drawSeed);
        if (raw && system != null) {
            throw wrong("--system needs the chat template, which --raw leaves out");
        }
        if (stop.contains("")) {
            throw wrong("--stop must not be empty");
        }
        String text = prompt.equals("-") ? standardInput() : prompt;
        InferenceEngine engine = InferenceEngine.start(SettingsReader.read(flags, ONE_SEQUENCE));
        Thread onExit = Thread.ofPlatform().unstarted(() -> interrupt(engine));
        Runtime.getRuntime().addShutdownHook(onExit);
        try (engine) {
            if (!engine.awaitReady(Long.MAX_VALUE)) {
                throw new CommandFailedException(engine.stats().stateReason());
            }
            LoadedModel model = engine.model().orElseThrow();
            int[] tokens = tokens(model, text);
            if (tokens.length == 0) {
                throw wrong("the prompt must not be empty");
            }
            return answer(engine, request(tokens, sampling), drawSeed);
        } finally {
            if (!interrupted) {
                Runtime.getRuntime().removeShutdownHook(onExit);
            }
        }
    }

    /// Ctrl-C: ends the line and lets the engine put its threads down before the process goes.
    private void interrupt(InferenceEngine engine) {
        interrupted = true;
        terminal.out().println();
        terminal.out().flush();
        engine.close();
    }

    private SamplingParameters sampling(long drawSeed) {
        if (maxTokens < 1) {
            throw wrong("--max-tokens must be at least 1: --max-tokens=" + maxTokens);
        }
        try {
            return new SamplingParameters(temperature, topP, topK, minP, 0, 0, 1, Map.of(), drawSeed);
        } catch (IllegalArgumentException e) {
            throw wrong(e.getMessage());
        }
    }

    private GenerationRequest request(int[] tokens, SamplingParameters sampling) {
        return new GenerationRequest(
                tokens, OptionalInt.of(maxTokens), sampling, stop, false, 0, GenerationRequest.NO_LOGPROBS, false);
    }

    private int[] tokens(LoadedModel model, String text) {
        if (raw) {
            return model.tokenizer().encode(text, true);
        }
        List<Map<String, Object>> messages = new ArrayList<>();
        if (system != null) {
            messages.add(Map.of("role", "system", "content", system));
        }
        messages.add(Map.of("role", "user", "content", text));
        // The template writes the special tokens itself.
        return model.tokenizer().encode(model.chatTemplate().render(messages, true), false);
    }

    private int answer(InferenceEngine engine, GenerationRequest request, long drawSeed) {
        long started = System.nanoTime();
        long first = 0;
        for (GenerationEvent event :
                accepted(engine.submit(request)).events().subscribe().asIterable()) {
            switch (event) {
                case GenerationEvent.PromptScored _ -> {}
                case GenerationEvent.Delta delta -> {
                    if (interrupted) {
                        return 0; // the line has been ended already
                    }
                    first = first == 0 ? System.nanoTime() : first;
                    terminal.out().print(delta.text());
                    terminal.out().flush();
                    if (terminal.out().checkError()) {
                        return 0; // nobody reads on, as in `quire generate … | head`
                    }
                }
                case GenerationEvent.Finished finished -> {
                    terminal.out().println();
                    terminal.out().flush();
                    report(request, finished, started, first, drawSeed);
                }
                case GenerationEvent.Failed failed -> {
                    if (!interrupted) {
                        throw new CommandFailedException(failed.message());
                    }
                }
            }
        }
        return 0;
    }

    private void report(
            GenerationRequest request, GenerationEvent.Finished finished, long started, long first, long drawSeed) {
        long now = System.nanoTime();
        double toFirst = ((first == 0 ? now : first) - started) / 1e6;
        int rest = finished.completionTokens() - 1;
        String rate = first == 0 || rest < 1 ? "" : ", then " + oneDecimal(rest / ((now - first) / 1e9)) + " tokens/s";
        String draw = temperature == 0 ? "" : ", seed " + drawSeed;
        terminal.err()
                .println("quire: " + request.prompt().length + " prompt tokens, " + finished.completionTokens()
                        + " tokens (" + finished.reason().name().toLowerCase(Locale.ROOT) + "), first after "
                        + Math.round(toFirst) + " ms" + rate + draw);
    }

    private static String oneDecimal(double value) {
        return String.format(Locale.ROOT, "%.1f", value);
    }

    private static Submission.Accepted accepted(Submission submission) {
        return switch (submission) {
            case Submission.Accepted accepted -> accepted;
            case Submission.TooLong(var promptTokens, var maxTokens, var contextLength) ->
                throw new CommandFailedException("prompt and answer must fit the context: promptTokens=" + promptTokens
                        + ", maxTokens=" + maxTokens + ", contextLength=" + contextLength);
            case Submission.TooLarge(var neededBlocks, var blocks, var blockSize) ->
                throw new CommandFailedException("prompt and answer must fit the pool: neededBlocks=" + neededBlocks
                        + ", blocks=" + blocks + ", blockSize=" + blockSize);
            case Submission.UnknownToken(var parameter, var token, var vocabulary) ->
                throw new CommandFailedException(
                        "token must be in the vocabulary: " + parameter + "=" + token + ", vocabulary=" + vocabulary);
            case Submission.TooManyChoices(var choices, var sequences) ->
                throw new CommandFailedException(
                        "choices must run at once: choices=" + choices + ", sequences=" + sequences);
            case Submission.TooManyCandidates(var beamWidth, var endTokens, var candidates) ->
                throw new CommandFailedException("beams and end tokens must be at most " + candidates
                        + " together: beamWidth=" + beamWidth + ", endTokens=" + endTokens);
            case Submission.AnswersTooLarge(var neededBytes, var bytes, var _) ->
                throw new CommandFailedException(
                        "the answer must fit its share of the heap: neededBytes=" + neededBytes + ", bytes=" + bytes);
            case Submission.QueueFull(var capacity, var _) ->
                throw new CommandFailedException("the queue is full: capacity=" + capacity);
            case Submission.Unavailable(var reason, var _) -> throw new CommandFailedException(reason);
        };
    }

    private String standardInput() {
        try {
            String text = new String(terminal.in().readAllBytes(), StandardCharsets.UTF_8);
            return text.endsWith("\n") ? text.substring(0, text.length() - 1) : text;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private ParameterException wrong(String message) {
        return new ParameterException(spec.commandLine(), message);
    }
}
