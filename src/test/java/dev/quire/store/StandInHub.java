package dev.quire.store;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A hub on this machine, with one repository and whatever faults a test asks for: it answers as the Hugging Face hub
/// does to listings and to files, which it redirects to a second host.
public final class StandInHub implements AutoCloseable {
    static final String REPOSITORY = "acme/tiny";
    static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

    private static final Pattern RANGE = Pattern.compile("bytes=(\\d+)-(\\d+)");

    /// One request: path, `Range` and `Authorization` ("" where missing), and whether it came to the storage host.
    record Call(String path, String range, String authorization, boolean storage) {}

    public final Map<String, byte[]> files = new TreeMap<>();
    final List<Call> calls = new CopyOnWriteArrayList<>();
    final AtomicInteger broken = new AtomicInteger(); // so many file answers end after `brokenAfter` bytes
    volatile int brokenAfter = 1000;
    final AtomicInteger refused = new AtomicInteger(); // so many file answers are `refusedStatus`
    volatile int refusedStatus = 503;
    volatile boolean ranges = true;
    volatile boolean stalls; // after `brokenAfter` bytes nothing comes, and the connection stays
    volatile String token; // wanted, if not null
    volatile boolean large = true; // files have a SHA-256, as large ones have; else git's SHA-1
    volatile String listing; // instead of the true one
    final AtomicInteger stalledListings = new AtomicInteger(); // so many listings stop in their middle

    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final HttpServer hub = server();
    private final HttpServer storage = server();

    public StandInHub() throws IOException {
        hub.createContext("/api/models/", this::list);
        hub.createContext("/", this::redirect);
        storage.createContext("/", this::file);
        hub.start();
        storage.start();
    }

    private HttpServer server() throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        return server;
    }

    public String endpoint() {
        return "http://localhost:" + hub.getAddress().getPort();
    }

    private void note(HttpExchange exchange, boolean atStorage) {
        calls.add(new Call(
                exchange.getRequestURI().getPath(),
                header(exchange, "Range"),
                header(exchange, "Authorization"),
                atStorage));
    }

    private static String header(HttpExchange exchange, String name) {
        String value = exchange.getRequestHeaders().getFirst(name);
        return value == null ? "" : value;
    }

    private boolean unauthorised(HttpExchange exchange) throws IOException {
        boolean wrong = token != null && !header(exchange, "Authorization").equals("Bearer " + token);
        if (wrong) {
            answer(exchange, 401, "{}");
        }
        return wrong;
    }

    private void list(HttpExchange exchange) throws IOException {
        note(exchange, false);
        String path = exchange.getRequestURI().getPath();
        if (unauthorised(exchange)) {
            return;
        }
        if (!path.startsWith("/api/models/" + REPOSITORY + "/revision/") || path.endsWith("absent")) {
            answer(exchange, 404, "{}");
            return;
        }
        String text = listing == null ? trueListing() : listing;
        if (stalledListings.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
            exchange.sendResponseHeaders(200, text.length());
            exchange.getResponseBody().write(text.getBytes(StandardCharsets.UTF_8), 0, 10);
            exchange.getResponseBody().flush();
            return; // and the connection stays open
        }
        answer(exchange, 200, text);
    }

    private String trueListing() {
        StringBuilder siblings = new StringBuilder();
        files.forEach((name, bytes) -> {
            siblings.append(siblings.isEmpty() ? "" : ",")
                    .append("{\"rfilename\":\"" + name + "\",\"size\":" + bytes.length + ",\"blobId\":\""
                            + gitSha1(bytes) + "\"");
            if (large) {
                siblings.append(",\"lfs\":{\"sha256\":\"" + sha256(bytes) + "\",\"size\":" + bytes.length + "}");
            }
            siblings.append("}");
        });
        return "{\"id\":\"" + REPOSITORY + "\",\"sha\":\"" + COMMIT + "\",\"siblings\":[" + siblings + "]}";
    }

    private void redirect(HttpExchange exchange) throws IOException {
        note(exchange, false);
        if (unauthorised(exchange)) {
            return;
        }
        String location = "http://127.0.0.1:" + storage.getAddress().getPort()
                + exchange.getRequestURI().getRawPath().replace("/" + REPOSITORY + "/resolve/" + COMMIT, "")
                + "?signed=yes";
        exchange.getResponseHeaders().set("Location", location);
        answer(exchange, 302, "");
    }

    private void file(HttpExchange exchange) throws IOException {
        note(exchange, true);
        byte[] bytes = files.get(exchange.getRequestURI().getPath().substring(1));
        if (refused.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
            answer(exchange, refusedStatus, "not now");
            return;
        }
        int from = 0;
        int to = bytes.length;
        Matcher range = RANGE.matcher(header(exchange, "Range"));
        int status = 200;
        if (ranges && range.matches()) {
            from = Integer.parseInt(range.group(1));
            to = Math.min(bytes.length, Integer.parseInt(range.group(2)) + 1);
            status = 206;
            exchange.getResponseHeaders().set("Content-Range", "bytes " + from + "-" + (to - 1) + "/" + bytes.length);
        }
        boolean breaks = to - from > brokenAfter && broken.getAndUpdate(left -> Math.max(0, left - 1)) > 0;
        exchange.sendResponseHeaders(status, to - from);
        OutputStream body = exchange.getResponseBody();
        body.write(bytes, from, breaks ? brokenAfter : to - from);
        body.flush();
        if (breaks && stalls) {
            return; // and the connection stays open
        }
        exchange.close();
    }

    private static void answer(HttpExchange exchange, int status, String text) throws IOException {
        byte[] body = text.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    private static String sha256(byte[] bytes) {
        return digest("SHA-256", bytes);
    }

    private static String gitSha1(byte[] bytes) {
        byte[] head = ("blob " + bytes.length + "\0").getBytes(StandardCharsets.US_ASCII);
        byte[] all = new byte[head.length + bytes.length];
        System.arraycopy(head, 0, all, 0, head.length);
        System.arraycopy(bytes, 0, all, head.length, bytes.length);
        return digest("SHA-1", all);
    }

    private static String digest(String algorithm, byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() {
        hub.stop(0);
        storage.stop(0);
        threads.shutdownNow();
    }
}
