package dev.quire;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/// A copy of the launcher and its build files in a folder of its own, with a PATH of chosen tools and with stand-ins
/// for Maven, g++ and JDKs, so that a test decides what is installed. The stand-in for Maven writes the jar and counts
/// its runs.
final class ShellSandbox {
    /// What a command left behind.
    record Outcome(int status, String out, String err, long pid) {}

    private static final List<String> TOOLS = List.of(
            "bash",
            "sh",
            "make",
            "find",
            "dirname",
            "readlink",
            "mkdir",
            "touch",
            "rm",
            "cat",
            "sed",
            "expand",
            "tail",
            "echo",
            "env",
            "flock",
            "timeout",
            "sort",
            "head",
            "grep",
            "date");

    final Path folder;
    final Path tree;
    final Path bin;
    final Path jdks;
    final Map<String, String> environment = new TreeMap<>();

    ShellSandbox(Path folder) throws IOException {
        this.folder = folder;
        this.tree = folder.resolve("tree");
        this.bin = Files.createDirectories(folder.resolve("bin"));
        this.jdks = Files.createDirectories(folder.resolve("jdks"));
        for (String name : List.of("Makefile", "quire", "build", ".ci", "pom.xml")) {
            copy(Path.of(name), tree.resolve(name));
        }
        Files.writeString(Files.createDirectories(tree.resolve("src/main")).resolve("A.java"), "class A {}");
        Files.createDirectories(tree.resolve("native-libs"));
        Files.writeString(tree.resolve("native-libs/Makefile"), "all:\n\t@:\ntest:\n\t@echo native tests pass\n");
        for (String tool : TOOLS) {
            script(bin.resolve(tool), "exec " + installed(tool) + " \"$@\"\n");
        }
        script(bin.resolve("mvn"), """
                echo "$*" >>"$RUNS"
                mkdir -p target/quarkus-app
                echo jar >target/quarkus-app/quarkus-run.jar
                echo "[INFO] BUILD SUCCESS"
                """);
        script(bin.resolve("g++"), "");
        script(tree.resolve("build/fetch-llama-source"), "");
        environment.put("PATH", bin.toString());
        environment.put("HOME", folder.toString());
        environment.put("RUNS", folder.resolve("runs").toString());
        environment.put("QUIRE_JDK_FOLDERS", jdks.toString());
    }

    /// A stand-in for a JDK, whose `java` says what it was given.
    Path jdk(String name, String version) throws IOException {
        Path home = Files.createDirectories(jdks.resolve(name).resolve("bin")).getParent();
        Files.writeString(home.resolve("release"), "IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"" + version + "\"\n");
        script(home.resolve("bin/javac"), "");
        script(home.resolve("bin/java"), """
                for argument in "$@"; do echo "argument: $argument"; done
                echo "pid: $$"
                echo "folder: $PWD"
                while IFS= read -r line; do echo "stdin: $line"; done
                exit "${JAVA_STATUS:-0}"
                """);
        return home;
    }

    /// How often Maven was run.
    int mavenRuns() throws IOException {
        Path runs = folder.resolve("runs");
        return Files.exists(runs) ? Files.readAllLines(runs).size() : 0;
    }

    void remove(String tool) throws IOException {
        Files.delete(bin.resolve(tool));
    }

    Outcome run(Path directory, String stdin, String... command) throws IOException, InterruptedException {
        Path out = Files.createTempFile(folder, "out", "");
        Path err = Files.createTempFile(folder, "err", "");
        Path in = Files.writeString(Files.createTempFile(folder, "in", ""), stdin);
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectInput(in.toFile())
                .redirectOutput(out.toFile())
                .redirectError(err.toFile());
        builder.environment().clear();
        builder.environment().putAll(environment);
        Process process = builder.start();
        assertTrue(process.waitFor(60, TimeUnit.SECONDS), "command must end: " + String.join(" ", command));
        return new Outcome(process.exitValue(), Files.readString(out), Files.readString(err), process.pid());
    }

    static void script(Path path, String text) throws IOException {
        Files.writeString(path, "#!" + installed("bash") + "\n" + text, StandardCharsets.UTF_8);
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private static Path installed(String tool) {
        for (String folder : System.getenv("PATH").split(":")) {
            Path path = Path.of(folder, tool);
            if (Files.isExecutable(path)) {
                return path;
            }
        }
        throw new IllegalStateException("tool must be installed: tool=" + tool);
    }

    private static void copy(Path from, Path to) throws IOException {
        Files.walkFileTree(from, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Path target = to.resolve(from.relativize(file).toString());
                Files.createDirectories(target.getParent());
                Files.copy(file, target, StandardCopyOption.COPY_ATTRIBUTES);
                return FileVisitResult.CONTINUE;
            }
        });
    }
}
