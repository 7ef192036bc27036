package dev.quire.store;

import dev.quire.format.ModelFileException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/// Fetches one file: ranges over several connections, each tried again where it broke off; then the checksum; then the
/// rename. What was fetched stays beside the target when it fails, and the next attempt, in this process or a later
/// one, goes on from there.
final class HubDownload {
    private static final int BUFFER_BYTES = 1 << 16;

    private final HubClient client;
    private final HubSettings settings;
    private final URI address;
    private final String what;
    private final HubFile file;
    private final DownloadProgress progress;
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicReference<Throwable> failure = new AtomicReference<>();
    private final Set<InputStream> open = ConcurrentHashMap.newKeySet();

    /// The server answers a range with the whole file.
    private static final class RangesIgnoredException extends Exception {
        private static final long serialVersionUID = 1L;
    }

    HubDownload(
            HubClient client, HubSettings settings, URI address, String what, HubFile file, DownloadProgress progress) {
        this.client = client;
        this.settings = settings;
        this.address = address;
        this.what = what;
        this.file = file;
        this.progress = progress;
    }

    /// Fetches into `target`, whose folder is there.
    void run(Path target) throws IOException, InterruptedException {
        String identity = file.sha256().or(file::gitSha1).orElse("unknown");
        try (PartialFile part = new PartialFile(target, identity, file.bytes(), settings.rangeBytes())) {
            if (file.bytes() > 0) {
                progress.start(file.path(), file.bytes(), part.present());
                fetchAll(part);
            }
            requireChecksum(part);
            part.finish(target);
        } finally {
            progress.end();
        }
    }

    private void fetchAll(PartialFile part) throws IOException, InterruptedException {
        List<Thread> workers = new ArrayList<>();
        for (int i = 0; i < Math.min(settings.connections(), part.ranges()); i++) {
            workers.add(Thread.ofVirtual().name("quire-fetch-" + i).start(() -> work(part)));
        }
        try {
            for (Thread worker : workers) {
                worker.join();
            }
        } catch (InterruptedException e) {
            stop(e, workers);
            for (Thread worker : workers) {
                worker.join();
            }
            throw e;
        }
        switch (failure.get()) {
            case null -> {}
            case RangesIgnoredException _ -> fetchWhole(part);
            case IOException e -> throw e;
            case RuntimeException e -> throw e;
            case Throwable e -> throw new IllegalStateException(e);
        }
    }

    /// Ranges one after the other until none is left or a worker has failed.
    private void work(PartialFile part) {
        try {
            for (int range; failure.get() == null && (range = next.getAndIncrement()) < part.ranges(); ) {
                if (!part.has(range)) {
                    fetch(part, range);
                }
            }
        } catch (Throwable e) {
            stop(e, List.of());
        }
    }

    private void stop(Throwable reason, List<Thread> workers) {
        failure.compareAndSet(null, reason);
        workers.forEach(Thread::interrupt);
        open.forEach(HubDownload::closeQuietly);
    }

    /// One range, over as many connections as it takes: each goes on where the last one broke off.
    private void fetch(PartialFile part, int range) throws IOException, InterruptedException, RangesIgnoredException {
        long position = part.start(range);
        int attempts = 0;
        while (position < part.end(range)) {
            Duration after = Duration.ZERO;
            String reason;
            long before = position;
            try {
                HttpResponse<InputStream> response = client.range(address, what, position, part.end(range));
                position = receive(part, response, position, part.end(range));
                reason = "connection closed early";
            } catch (HubRetryException e) {
                after = e.after();
                reason = e.getMessage();
            }
            if (position < part.end(range)) {
                attempts = position > before ? 0 : attempts + 1;
                pause(attempts, after, reason);
            }
        }
        part.mark(range);
    }

    private void pause(int attempts, Duration after, String reason) throws InterruptedException {
        if (failure.get() != null) {
            throw new InterruptedException();
        }
        if (attempts >= HubSettings.ATTEMPTS) {
            throw new ModelFileException(
                    "the hub must be reachable: model=" + what + ", endpoint=" + settings.endpoint() + ", attempts="
                            + attempts + ", reason=" + reason + ", remedy=try again: what was fetched is kept");
        }
        settings.awaitAttempt(attempts, after);
    }

    /// Writes what comes until `end` or the end of the connection; returns how far it came.
    private long receive(PartialFile part, HttpResponse<InputStream> response, long from, long end)
            throws IOException, RangesIgnoredException {
        InputStream body = response.body();
        open.add(body);
        long position = from;
        try (body;
                StallGuard guard = new StallGuard(body, settings.stall())) {
            boolean whole = from == 0 && end == file.bytes();
            if (response.statusCode() == 200 && !whole) {
                throw new RangesIgnoredException();
            }
            requireLength(response, from);
            byte[] buffer = new byte[BUFFER_BYTES];
            while (position < end && failure.get() == null) {
                int count;
                try {
                    count = body.read(buffer, 0, (int) Math.min(buffer.length, end - position));
                } catch (IOException e) {
                    return position; // broken off, or stalled
                }
                if (count < 0) {
                    return position;
                }
                part.write(ByteBuffer.wrap(buffer, 0, count), position);
                position += count;
                progress.advance(count);
                guard.alive();
            }
            return position;
        } finally {
            open.remove(body);
        }
    }

    /// The file must be as long as the listing says, and the range the one that was asked for.
    private void requireLength(HttpResponse<?> response, long from) {
        String found;
        String expected;
        if (response.statusCode() == 200) {
            found = response.headers().firstValue("Content-Length").orElse(Long.toString(file.bytes()));
            expected = Long.toString(file.bytes());
        } else {
            String contentRange = response.headers().firstValue("Content-Range").orElse("none");
            found = contentRange.replaceFirst("^bytes (\\d+)-\\d+/(\\d+|\\*)$", "$1 of $2");
            expected = from + " of " + (found.endsWith("*") ? "*" : Long.toString(file.bytes()));
        }
        if (!found.equals(expected)) {
            throw new ModelFileException("the hub must send the range that it was asked for: model=" + what + ", file="
                    + file.path() + ", expected=" + expected + ", found=" + ModelFileException.printable(found));
        }
    }

    /// For a server without ranges: everything over one connection, from the beginning at each attempt.
    private void fetchWhole(PartialFile part) throws IOException, InterruptedException {
        failure.set(null);
        for (int attempts = 1; ; attempts++) {
            String reason = "connection closed early";
            Duration after = Duration.ZERO;
            try {
                progress.restart();
                HttpResponse<InputStream> response = client.range(address, what, 0, file.bytes());
                if (receive(part, response, 0, file.bytes()) == file.bytes()) {
                    for (int range = 0; range < part.ranges(); range++) {
                        part.mark(range);
                    }
                    return;
                }
            } catch (HubRetryException e) {
                reason = e.getMessage();
                after = e.after();
            } catch (RangesIgnoredException e) {
                throw new IllegalStateException("the whole file was asked for", e);
            }
            pause(attempts, after, reason);
        }
    }

    private void requireChecksum(PartialFile part) throws IOException {
        if (file.sha256().isEmpty() && file.gitSha1().isEmpty()) {
            return; // the length is all that the hub says
        }
        MessageDigest digest = digest(file.sha256().isPresent() ? "SHA-256" : "SHA-1");
        if (file.sha256().isEmpty()) {
            digest.update(("blob " + file.bytes() + "\0").getBytes(StandardCharsets.US_ASCII));
        }
        ByteBuffer buffer = ByteBuffer.allocate(1 << 20);
        for (long at = 0; at < file.bytes(); ) {
            int count = part.data().read(buffer.clear(), at);
            if (count < 0) {
                break;
            }
            digest.update(buffer.flip());
            at += count;
        }
        String found = HexFormat.of().formatHex(digest.digest());
        String expected = file.sha256().or(file::gitSha1).orElseThrow();
        if (!found.equals(expected)) {
            part.discard();
            throw new ModelFileException("downloaded file must have the hub's checksum: model=" + what + ", file="
                    + file.path() + ", expected=" + expected + ", found=" + found
                    + ", remedy=try again: what was fetched is dropped");
        }
    }

    private static MessageDigest digest(String algorithm) {
        try {
            return MessageDigest.getInstance(algorithm);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has " + algorithm, e);
        }
    }

    private static void closeQuietly(InputStream body) {
        try {
            body.close();
        } catch (IOException e) {
            // It is being given up.
        }
    }
}
