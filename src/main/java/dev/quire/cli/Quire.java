package dev.quire.cli;

import dev.quire.format.ModelFileException;
import dev.quire.tokenizer.ChatTemplateException;
import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.annotations.QuarkusMain;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.ToIntFunction;
import java.util.function.UnaryOperator;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Option;

/// The entry of the process: finds the command and turns every failure into one line and an exit status: 2 for a wrong
/// call, 1 for what went wrong later.
@QuarkusMain
@Command(
        name = "quire",
        description = "A language-model inference server with a paged KV cache.",
        versionProvider = Quire.Version.class,
        footer = {"", "Example:", "  quire serve --port 8080", "", "quire help COMMAND says more about one command."})
public final class Quire implements Runnable {
    private static final int WRONG_CALL = 2;

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec;

    @Option(
            names = {"-V", "--version"},
            versionHelp = true,
            description = "Print the version and exit.")
    private boolean versionWanted;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Print this help and exit.")
    private boolean helpWanted;

    private Quire() {}

    public static void main(String[] arguments) {
        Terminal terminal = Terminal.of(
                new FileInputStream(FileDescriptor.in),
                new FileOutputStream(FileDescriptor.out),
                new FileOutputStream(FileDescriptor.err));
        System.exit(run(terminal, System::getenv, Quire::serve, arguments));
    }

    /// Runs one command; `server` is what `serve` calls with its properties.
    static int run(
            Terminal terminal,
            UnaryOperator<String> environment,
            ToIntFunction<Map<String, String>> server,
            String... arguments) {
        List<Setting> all = SettingFlags.all();
        List<Setting> files = all.stream()
                .filter(setting -> setting.property().equals("quire.home")
                        || setting.property().equals("quire.offline")
                        || setting.property().startsWith("quire.hub."))
                .toList();
        List<Setting> packing = all.stream()
                .filter(setting -> files.contains(setting) || setting.property().equals("quire.cpu.isa"))
                .toList();
        CommandLine top = new CommandLine(new Quire());
        top.addSubcommand(command(new ServeCommand(server), all));
        top.addSubcommand(command(new GenerateCommand(terminal), all));
        top.addSubcommand(command(new BenchCommand(terminal, environment), List.of()));
        top.addSubcommand(command(new InspectCommand(terminal), files));
        top.addSubcommand(command(new PackCommand(terminal), packing));
        top.addSubcommand(command(new PullCommand(terminal), files));
        top.addSubcommand(command(new TokenizeCommand(terminal), files));
        top.addSubcommand(new HelpCommand());
        top.setOut(new PrintWriter(terminal.out(), true));
        top.setErr(new PrintWriter(terminal.err(), true));
        top.setParameterExceptionHandler((problem, given) -> {
            terminal.err()
                    .println(
                            "quire: " + problem.getMessage().lines().findFirst().orElse("wrong call"));
            return WRONG_CALL;
        });
        top.setExecutionExceptionHandler((problem, command, parsed) -> failed(terminal, problem));
        top.setExecutionStrategy(parsed -> {
            SettingFlags.checkEnvironment(top, environment);
            return new CommandLine.RunLast().execute(parsed);
        });
        int status = top.execute(arguments);
        terminal.out().flush();
        return status;
    }

    @Override
    public void run() {
        throw new CommandLine.ParameterException(
                spec.commandLine(),
                "a command is missing: serve, generate, bench, inspect, pack, pull, tokenize or help");
    }

    private static CommandLine command(Object command, List<Setting> settings) {
        CommandLine line = new CommandLine(command);
        SettingFlags.addTo(line.getCommandSpec(), settings);
        line.getCommandSpec().mixinStandardHelpOptions(true).versionProvider(new Version());
        return line;
    }

    private static int failed(Terminal terminal, Exception problem) throws Exception {
        if (problem instanceof CommandLine.ParameterException wrong) {
            terminal.err().println("quire: " + wrong.getMessage());
            return WRONG_CALL;
        }
        if (problem instanceof ModelFileException
                || problem instanceof ChatTemplateException
                || problem instanceof CommandFailedException) {
            terminal.err().println("quire: " + problem.getMessage());
            return 1;
        }
        throw problem; // a fault of ours: picocli prints its stack trace
    }

    private static int serve(Map<String, String> properties) {
        properties.forEach(System::setProperty);
        AtomicInteger status = new AtomicInteger();
        AtomicReference<Throwable> failure = new AtomicReference<>();
        Quarkus.run(null, (code, problem) -> {
            status.set(code);
            failure.set(problem);
        });
        if (failure.get() != null) {
            throw new CommandFailedException("server could not start: " + reason(failure.get()));
        }
        return status.get();
    }

    /// The first line of the innermost cause: the outer ones say where in Quarkus it went wrong.
    static String reason(Throwable problem) {
        Throwable innermost = problem;
        while (innermost.getCause() != null && innermost.getCause() != innermost) {
            innermost = innermost.getCause();
        }
        String message = innermost.getMessage();
        return message == null
                ? innermost.getClass().getSimpleName()
                : message.lines().findFirst().orElse("");
    }

    /// The version that Maven wrote into the jar.
    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() throws IOException {
            Properties properties = new Properties();
            try (InputStream in = Quire.class.getResourceAsStream("version.properties")) {
                properties.load(in);
            }
            return new String[] {
                "quire " + properties.getProperty("version") + " (Java "
                        + Runtime.version().feature() + ")"
            };
        }
    }
}
