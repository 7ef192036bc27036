package dev.quire.cli;

import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.ToIntFunction;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/// Starts the server and stays until it ends. Flags become properties, which outrank the environment.
@Command(
        name = "serve",
        abbreviateSynopsis = true,
        description = "Serve a model over HTTP, with OpenAI's API.",
        footer = {"", "Example:", "  quire serve --model smollm2-135m-instruct --port 8080 --cache-memory 1GiB"})
final class ServeCommand implements Callable<Integer> {
    private static final int MOST_PORT = 65_535;

    private final ToIntFunction<Map<String, String>> server;

    @Spec
    private CommandSpec spec;

    @Option(names = "--port", paramLabel = "NUMBER", description = "TCP port; 0 = any that is free (default: 8080)")
    private Integer port;

    @Option(names = "--host", paramLabel = "ADDRESS", description = "address to listen on (default: 0.0.0.0, all)")
    private String host;

    /// `server` runs with the given properties until the application ends, and returns its exit status.
    ServeCommand(ToIntFunction<Map<String, String>> server) {
        this.server = server;
    }

    @Override
    public Integer call() {
        List<Setting> settings = SettingFlags.all();
        Map<String, String> properties = SettingFlags.given(spec.commandLine().getParseResult(), settings);
        if (port != null) {
            if (port < 0 || port > MOST_PORT) {
                throw new ParameterException(
                        spec.commandLine(), "--port must be between 0 and " + MOST_PORT + ": --port=" + port);
            }
            properties.put("quarkus.http.port", port.toString());
        }
        if (host != null) {
            properties.put("quarkus.http.host", host);
        }
        return server.applyAsInt(properties);
    }
}
