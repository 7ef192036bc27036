package dev.quire.cli;

import dev.quire.engine.LoadReport;
import dev.quire.engine.ModelPacking;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// Writes a model's packed weights into the cache folder and says how long loading took.
@Command(
        name = "pack",
        description = "Write a model's packed weights into the cache folder, so that the first start maps them too.",
        footer = {
            "",
            "A second run maps what the first has written, and says how long that took.",
            "",
            "Example:",
            "  quire pack smollm2-135m-instruct"
        })
final class PackCommand implements Callable<Integer> {
    private final Terminal terminal;

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "MODEL", arity = "0..1", description = "a model file, or the name of a model")
    private String model;

    PackCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() {
        Map<String, String> named = model == null ? Map.of() : Map.of("quire.model", model);
        LoadReport report;
        try {
            report = ModelPacking.pack(ModelPath.settings(spec, named));
        } catch (IllegalArgumentException | IllegalStateException e) {
            throw new CommandFailedException(e.getMessage());
        }
        row("model", report.file());
        row("packed", report.packedFile().map(Object::toString).orElse("in memory only"));
        row("packed size", String.format(Locale.ROOT, "%,d bytes", report.packedBytes()));
        row("open", millis(report.openNanos()) + ", the model file mapped and checked");
        row("weights", millis(report.weightsNanos()) + ", " + report.packing());
        row("tokenizer", millis(report.tokenizerNanos()));
        row("kernels", millis(report.kernelsNanos()) + ", native library and its context");
        row("resident", String.format(Locale.ROOT, "+%.1f MiB", report.residentBytes() / 1048576.0));
        return 0;
    }

    private void row(String name, Object value) {
        terminal.out().println(String.format(Locale.ROOT, "%-12s %s", name, value));
    }

    private static String millis(long nanos) {
        return String.format(Locale.ROOT, "%.1f ms", nanos / 1e6);
    }
}
