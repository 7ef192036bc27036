package dev.quire.store;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.quire.format.ModelFileException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.stream.Collectors;

/// Speaks HTTP with the hub: listings, and ranges of files.
///
/// Redirections are followed here and not by the client, since the token must go to the hub and not to the host that
/// stores its files. What may pass (a broken connection, 429, 5xx) is a {@link HubRetryException}; what will not is a
/// {@link ModelFileException}.
///
/// Thread-safe.
final class HubClient {
    private static final int MAX_REDIRECTIONS = 10;

    /// A listing of 100,000 files is smaller.
    private static final int MAX_LISTING_BYTES = 64 << 20;

    private final HubSettings settings;
    private final HttpClient http;

    HubClient(HubSettings settings) {
        this.settings = settings;
        this.http = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1) // ranges on connections of their own
                .followRedirects(HttpClient.Redirect.NEVER)
                .connectTimeout(settings.stall())
                .build();
    }

    /// The files of a model's repository at its revision.
    HubListing listing(HubName name) throws HubRetryException, InterruptedException {
        URI address = URI.create(settings.endpoint() + "/api/models/" + name.repository() + "/revision/"
                + URLEncoder.encode(name.revision(), StandardCharsets.UTF_8) + "?blobs=true");
        HttpResponse<InputStream> response = get(address, name.toString(), null);
        try (InputStream body = response.body();
                StallGuard guard = new StallGuard(body, settings.stall())) {
            return HubListing.read(name, new ObjectMapper().readTree(listingBytes(body, guard)));
        } catch (JacksonException e) {
            throw new ModelFileException(
                    "the hub must answer with JSON: model=" + name + ", endpoint=" + settings.endpoint(), e);
        } catch (IOException e) {
            throw new HubRetryException(reason(e), e);
        }
    }

    /// At most so many bytes: what is longer is cut, and then no JSON.
    private static byte[] listingBytes(InputStream body, StallGuard guard) throws IOException {
        var bytes = new ByteArrayOutputStream();
        byte[] buffer = new byte[1 << 16];
        for (int count; bytes.size() < MAX_LISTING_BYTES && (count = body.read(buffer)) >= 0; ) {
            bytes.write(buffer, 0, count);
            guard.alive();
        }
        return bytes.toByteArray();
    }

    /// The address of a file at a commit.
    URI file(HubName name, String commit, HubFile file) {
        String path = Arrays.stream(file.path().split("/"))
                .map(step -> URLEncoder.encode(step, StandardCharsets.UTF_8).replace("+", "%20"))
                .collect(Collectors.joining("/"));
        return URI.create(settings.endpoint() + "/" + name.repository() + "/resolve/" + commit + "/" + path);
    }

    /// A file's bytes `from` … `to - 1`: status 206, or 200 with the whole file from a server that knows no ranges.
    HttpResponse<InputStream> range(URI address, String what, long from, long to)
            throws HubRetryException, InterruptedException {
        return get(address, what, "bytes=" + from + "-" + (to - 1));
    }

    private HttpResponse<InputStream> get(URI first, String what, String range)
            throws HubRetryException, InterruptedException {
        URI address = first;
        for (int i = 0; i <= MAX_REDIRECTIONS; i++) {
            HttpResponse<InputStream> response = send(request(address, range));
            int status = response.statusCode();
            if (status == 200 || status == 206) {
                return response;
            }
            close(response);
            if (status < 300 || status >= 400) {
                throw refusal(what, address, response);
            }
            address = next(address, response, what);
        }
        throw new ModelFileException("the hub must not redirect in circles: model=" + what + ", endpoint="
                + settings.endpoint() + ", redirections=" + MAX_REDIRECTIONS);
    }

    private HttpRequest request(URI address, String range) {
        HttpRequest.Builder request =
                HttpRequest.newBuilder(address).timeout(settings.stall()).header("User-Agent", "quire");
        if (range != null) {
            request.header("Range", range);
        }
        if (sameOrigin(address)) {
            settings.token().ifPresent(token -> request.header("Authorization", "Bearer " + token));
        }
        return request.build();
    }

    private boolean sameOrigin(URI address) {
        URI hub = settings.endpoint();
        return hub.getScheme().equals(address.getScheme())
                && hub.getHost().equalsIgnoreCase(address.getHost())
                && hub.getPort() == address.getPort();
    }

    private HttpResponse<InputStream> send(HttpRequest request) throws HubRetryException, InterruptedException {
        try {
            return http.send(request, BodyHandlers.ofInputStream());
        } catch (IOException e) {
            throw new HubRetryException(reason(e), e);
        }
    }

    private static URI next(URI address, HttpResponse<?> response, String what) {
        String location = response.headers().firstValue("Location").orElse("");
        try {
            URI next = address.resolve(location);
            boolean web = "https".equals(next.getScheme())
                    || "http".equals(next.getScheme()) && "http".equals(address.getScheme());
            if (!location.isEmpty() && web && next.getHost() != null) {
                return next;
            }
        } catch (IllegalArgumentException e) {
            // Refused below.
        }
        throw new ModelFileException("the hub must redirect to an address that is as safe: model=" + what
                + ", location=" + ModelFileException.printable(location));
    }

    private ModelFileException refusal(String what, URI address, HttpResponse<?> response) throws HubRetryException {
        int status = response.statusCode();
        String at = "model=" + what + ", endpoint=" + settings.endpoint() + ", status=" + status;
        if (status == 408 || status == 429 || status >= 500) {
            throw new HubRetryException("status " + status, retryAfter(response));
        }
        return switch (status) {
            case 401, 403 ->
                new ModelFileException("the hub must give access: " + at + ", token="
                        + (settings.token().isPresent() ? "set" : "none")
                        + ", remedy=set quire.hub.token (or HF_TOKEN), and accept the model's licence on its page");
            case 404 -> new ModelFileException("model, revision and file must be on the hub: " + at);
            default ->
                new ModelFileException("the hub must answer with the file: " + at + ", host=" + address.getHost());
        };
    }

    private static Duration retryAfter(HttpResponse<?> response) {
        String seconds = response.headers().firstValue("Retry-After").orElse("");
        return seconds.matches("\\d{1,4}") ? Duration.ofSeconds(Long.parseLong(seconds)) : Duration.ZERO;
    }

    private static void close(HttpResponse<InputStream> response) {
        try {
            response.body().close();
        } catch (IOException e) {
            // Nothing of it is wanted.
        }
    }

    static String reason(IOException e) {
        String message = e.getMessage() == null ? "" : ": " + e.getMessage();
        return ModelFileException.printable(e.getClass().getSimpleName() + message);
    }
}
