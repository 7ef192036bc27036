package dev.quire.store;

import dev.quire.format.ModelFileException;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;

/// Models of the hub in the cache folder: `hub/ORG/NAME/COMMIT/…` as the repository has them, and in
/// `hub/ORG/NAME/refs/` for each name that was pulled where it lies.
///
/// A file has its name only when it is whole, and `config.json`, which makes a folder a model, comes last.
///
/// Thread-safe.
final class HubStore {
    private final Path folder;
    private final HubSettings settings;
    private final PrintStream out;
    private final ReentrantLock pulling = new ReentrantLock();

    HubStore(Path home, HubSettings settings, PrintStream out) {
        this.folder = home.resolve("hub");
        this.settings = settings;
        this.out = out;
    }

    /// What an earlier pull of this name left, if it is all there.
    Optional<Path> find(HubName name) {
        try {
            Path ref = ref(name);
            return Files.isRegularFile(ref)
                    ? present(repository(name).resolve(Files.readString(ref)))
                    : Optional.empty();
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private static Optional<Path> present(Path model) {
        boolean whole = Files.isDirectory(model)
                ? Files.isRegularFile(model.resolve("config.json"))
                : Files.isRegularFile(model);
        return whole ? Optional.of(model) : Optional.empty();
    }

    private Path repository(HubName name) {
        return folder.resolve(name.repository());
    }

    /// One line for each name that was pulled: where it lies, below the repository's folder.
    private Path ref(HubName name) {
        String key = name.revision() + name.file().map(file -> ":" + file).orElse("");
        return repository(name).resolve("refs").resolve(key.replace("%", "%25").replace("/", "%2F"));
    }

    /// Fetches what the name means on the hub now; files that are there already stay.
    Path pull(HubName name) {
        pulling.lock();
        try {
            Files.createDirectories(repository(name));
            try (var channel = FileChannel.open(
                            folder.resolve(".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                    var lock = ModelStore.lock(channel, folder, out::println)) {
                assert lock.isValid();
                return pullLocked(name);
            }
        } catch (IOException e) {
            throw new ModelFileException(
                    "model must be fetched into the cache: model=" + name + ", folder=" + repository(name) + ", reason="
                            + HubClient.reason(e),
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ModelFileException("download was interrupted: model=" + name, e);
        } finally {
            pulling.unlock();
        }
    }

    private Path pullLocked(HubName name) throws IOException, InterruptedException {
        // Made here: loading what draws the bar would cost every start.
        DownloadProgress progress = new DownloadProgress(out, System.console() != null);
        HubClient client = new HubClient(settings);
        HubListing listing = listing(client, name);
        List<HubFile> files = listing.choose(name);
        Path commit = repository(name).resolve(listing.commit());
        requireRoom(name, commit, files);
        for (HubFile file : files) {
            Path target = commit.resolve(file.path());
            if (Files.isRegularFile(target) && Files.size(target) == file.bytes()) {
                continue;
            }
            Files.createDirectories(target.getParent());
            var address = client.file(name, listing.commit(), file);
            new HubDownload(client, settings, address, name.toString(), file, progress).run(target);
        }
        HubFile last = files.getLast();
        Path model = last.path().equals("config.json") ? commit : commit.resolve(last.path());
        remember(name, model);
        return model;
    }

    private HubListing listing(HubClient client, HubName name) throws InterruptedException {
        for (int attempts = 1; ; attempts++) {
            try {
                return client.listing(name);
            } catch (HubRetryException e) {
                if (attempts == HubSettings.ATTEMPTS) {
                    throw new ModelFileException(
                            "the hub must be reachable: model=" + name + ", endpoint=" + settings.endpoint()
                                    + ", attempts=" + attempts + ", reason=" + e.getMessage(),
                            e);
                }
                settings.awaitAttempt(attempts, e.after());
            }
        }
    }

    private void requireRoom(HubName name, Path commit, List<HubFile> files) throws IOException {
        long needed = 0;
        for (HubFile file : files) {
            if (file.bytes() < 0) {
                throw new ModelFileException(
                        "the hub must say how long a file is: model=" + name + ", file=" + file.path());
            }
            needed += Files.isRegularFile(commit.resolve(file.path())) ? 0 : file.bytes();
        }
        long free = Files.getFileStore(repository(name)).getUsableSpace();
        if (needed > free) {
            throw new ModelFileException("the cache folder must have room for the model: model=" + name
                    + ", neededBytes=" + needed + ", freeBytes=" + free + ", folder=" + folder);
        }
    }

    private void remember(HubName name, Path model) throws IOException {
        Path ref = ref(name);
        Files.createDirectories(ref.getParent());
        Path unfinished = Files.createTempFile(ref.getParent(), ".ref-", "");
        Files.writeString(unfinished, repository(name).relativize(model).toString());
        Files.move(unfinished, ref, StandardCopyOption.ATOMIC_MOVE);
    }
}
