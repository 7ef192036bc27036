package dev.quire.cli;

import dev.quire.engine.ModelStores;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// Fetches a model into the cache folder and prints where it lies.
@Command(
        name = "pull",
        description = "Fetch a model into the cache folder, or bring it up to date, and print where it lies.",
        footer = {
            "",
            "NAME is org/name on the hub; org/name:FILE takes one file, where FILE may also be a quantisation such as",
            "Q4_K_M; org/name@REVISION takes a branch, tag or commit. A download that broke off goes on where it stopped.",
            "",
            "Examples:",
            "  quire pull HuggingFaceTB/SmolLM2-135M-Instruct",
            "  quire pull Qwen/Qwen2.5-0.5B-Instruct-GGUF:Q4_K_M"
        })
final class PullCommand implements Callable<Integer> {
    private final Terminal terminal;

    @Spec
    private CommandSpec spec;

    @Parameters(paramLabel = "NAME", description = "the model")
    private String name;

    PullCommand(Terminal terminal) {
        this.terminal = terminal;
    }

    @Override
    public Integer call() {
        Path model = ModelStores.open(ModelPath.settings(spec, Map.of())).pull(name);
        terminal.out().println(model);
        return 0;
    }
}
