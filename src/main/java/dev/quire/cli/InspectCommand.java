package dev.quire.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import dev.quire.format.GgufFile;
import dev.quire.format.HuggingFaceFolder;
import dev.quire.format.ModelFile;
import dev.quire.format.ModelFileException;
import dev.quire.format.ModelMetadata;
import dev.quire.model.Architecture;
import dev.quire.model.Transformer;
import dev.quire.tensor.NumberScan;
import dev.quire.tensor.Tensor;
import dev.quire.tokenizer.ChatTemplate;
import dev.quire.tokenizer.Tokenizer;
import java.util.Locale;
import java.util.Map.Entry;
import java.util.Optional;
import java.util.OptionalLong;
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

    @Parameters(
            paramLabel = "MODEL",
            description = "a GGUF file, a folder with config.json and safetensors, or the name of a model")
    private String model;

    @Option(names = "--json", description = "one JSON object instead of a table")
    private boolean json;

    InspectCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() throws JsonProcessingException {
        try (ModelFile file = ModelFile.open(ModelPath.resolve(spec, model))) {
            ModelMetadata metadata = file.metadata();
            metadata.values().entrySet().forEach(Entry::getValue); // reads the arrays, which refuses what is bad there
            Optional<ModelFileException> unknown = unknownArchitecture(file);
            if (unknown.isEmpty()) {
                check(file);
            }
            show(ModelSummary.of(file));
            // The figures of a model that others can run are worth showing; that it cannot be served is said as well.
            Optional<ModelFileException> refusal = unknown.or(() -> badNumber(file));
            if (refusal.isPresent()) {
                terminal.out().flush();
                throw refusal.get();
            }
        }
        return 0;
    }

    /// Refuses what could not be served: tensors that are not those of the model that the metadata describe, a
    /// vocabulary that contradicts itself. A file without tensors is a vocabulary, or nothing much; a folder
    /// without files of a tokenizer has weights to look at.
    private static void check(ModelFile file) {
        ModelMetadata metadata = file.metadata();
        boolean model = !file.tensors().isEmpty();
        if (model) {
            Transformer.check(file, Architecture.of(metadata).shape(file));
        }
        boolean vocabulary =
                switch (file) {
                    case GgufFile _ -> model || metadata.has("tokenizer.ggml.model");
                    case HuggingFaceFolder folder ->
                        ModelSummary.tokenizerFile(folder).isPresent();
                };
        if (vocabulary) {
            Tokenizer.from(file);
            ChatTemplate.from(file);
        }
    }

    /// The refusal of an architecture that is not known, and about which nothing more can be said.
    private static Optional<ModelFileException> unknownArchitecture(ModelFile file) {
        if (file.tensors().isEmpty()) {
            return Optional.empty();
        }
        file.metadata().string("general.architecture");
        try {
            Architecture.of(file.metadata());
            return Optional.empty();
        } catch (ModelFileException e) {
            return Optional.of(e);
        }
    }

    /// The refusal of weights that are infinite or no numbers, which serving finds only when an answer meets them.
    private static Optional<ModelFileException> badNumber(ModelFile file) {
        for (Tensor tensor : file.tensors()) {
            OptionalLong at = NumberScan.firstNotFinite(tensor, file::read);
            if (at.isPresent()) {
                long row = at.getAsLong() / tensor.type().rowBytes(tensor.columns());
                String place =
                        file instanceof GgufFile gguf ? ", offset=" + (gguf.offset(tensor) + at.getAsLong()) : "";
                return Optional.of(new ModelFileException(
                        "weights must be finite numbers: tensor=" + ModelFileException.printable(tensor.name())
                                + ", row=" + row + ", file=" + file.path() + place));
            }
        }
        return Optional.empty();
    }

    private void show(ModelSummary summary) throws JsonProcessingException {
        if (json) {
            terminal.out()
                    .println(new ObjectMapper()
                            .enable(SerializationFeature.INDENT_OUTPUT)
                            .writeValueAsString(summary));
        } else {
            print(summary);
        }
    }

    private void print(ModelSummary summary) {
        row("file", summary.file());
        row("name", summary.name());
        row("architecture", summary.architecture());
        row(
                "size",
                bytes(summary.fileBytes())
                        + (summary.ggufVersion() == null
                                ? ", safetensors in " + summary.files() + (summary.files() == 1 ? " file" : " files")
                                : ", GGUF version " + summary.ggufVersion()));
        row("parameters", grouped(summary.parameters()));
        row("layers", summary.shape().layers());
        row("heads", summary.shape().heads());
        row("key/value heads", summary.shape().kvHeads());
        row("head dimension", summary.shape().headDim());
        row("embedding", summary.shape().embedding());
        row("feed-forward", summary.shape().feedForward());
        row("context length", summary.shape().contextLength());
        if (summary.shape().slidingWindow() != null) {
            row("sliding window", summary.shape().slidingWindow());
        }
        if (summary.rope() != null) {
            row("rope base", summary.rope().base());
            row("rope dimensions", summary.rope().dimensions());
            row("rope scaling", scaling(summary.rope()));
        }
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

    /// `yarn, factor 4.0, from 32768 tokens`.
    private static String scaling(ModelSummary.Rope rope) {
        if (rope.scaling() == null) {
            return null;
        }
        return rope.scaling()
                + (rope.factor() == null ? "" : ", factor " + rope.factor())
                + (rope.originalContextLength() == null ? "" : ", from " + rope.originalContextLength() + " tokens");
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
