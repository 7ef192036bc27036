package dev.quire.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.quire.format.GgufFile;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// Says what is in a model file and what its cache will cost.
@Command(
        name = "inspect",
        description = "Show a model file's shape, tensors and cache sizes.",
        footer = {"", "Example:", "  quire inspect smollm2-135m-instruct --json"})
final class InspectCommand implements Callable<Integer> {
    private static final String UNKNOWN = "-";

    private final Terminal terminal;

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "MODEL", description = "a GGUF file, or the name of a model")
    private String model;

    @Option(names = "--json", description = "one JSON object instead of a table")
    private boolean json;

    InspectCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws JsonProcessingException {
        try (GgufFile file = GgufFile.open(ModelPath.resolve(spec, model))) {
            ModelSummary summary = ModelSummary.of(file);
            if (json) {
                terminal.out()
                        .println(new ObjectMapper()
                                .enable(SerializationFeature.INDENT_OUTPUT)
                                .writeValueAsString(summary));
            } else {
                print(summary);
            }
        }
        return 0;
    }

    private void print(ModelSummary summary) {
        row("file", summary.file());
        row("name", summary.name());
        row("architecture", summary.architecture());
        row("size", bytes(summary.fileBytes()) + ", GGUF version " + summary.ggufVersion());
        row("parameters", grouped(summary.parameters()));
        row("layers", summary.shape().layers());
        row("heads", summary.shape().heads());
        row("key/value heads", summary.shape().kvHeads());
        row("head dimension", summary.shape().headDim());
        row("embedding", summary.shape().embedding());
        row("feed-forward", summary.shape().feedForward());
        row("context length", summary.shape().contextLength());
        row("rope base", summary.rope().base());
        row("rope dimensions", summary.rope().dimensions());
        row("rope scaling", summary.rope().scaling());
        row("vocabulary", summary.vocabulary().tokens());
        row("tokenizer", summary.vocabulary().tokenizer());
        row("pre-tokenizer", summary.vocabulary().preTokenizer());
        row("chat template", summary.vocabulary().chatTemplate() ? "yes" : "no");
        row("tensors", summary.tensors());
        summary.tensorTypes()
                .forEach((type, total) -> row(
                        "  " + type,
                        total.tensors() + " tensors, " + grouped(total.parameters()) + " parameters, "
                                + bytes(total.bytes())));
        if (summary.cache() != null) {
            row(
                    "cache",
                    grouped(summary.cache().bytesPerToken()) + " bytes per token, "
                            + grouped(summary.cache().bytesPerBlock()) + " per block of "
                            + summary.cache().blockTokens() + " tokens");
            row("1 GiB of cache", grouped(summary.cache().tokensPerGib()) + " tokens");
        }
    }

    private void row(String name, Object value) {
        terminal.out().println(String.format(Locale.ROOT, "%-16s %s", name, value == null ? UNKNOWN : value));
    }

    private static String grouped(long value) {
        return String.format(Locale.ROOT, "%,d", value);
    }

    private static String bytes(long bytes) {
        return String.format(Locale.ROOT, "%,d bytes (%.1f MiB)", bytes, bytes / (1024.0 * 1024.0));
    }
}
