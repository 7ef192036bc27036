package dev.quire.load;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/// A server on this machine with whatever faults a test asks for. It answers with as many tokens as are wanted,
/// one event each, as fast as it can.
public final class StandInServer implements AutoCloseable {
    /// How requests are answered.
    public enum Answer {
        WHOLE,
        WITHOUT_USAGE,
        WITHOUT_DONE,
        EARLY_END,
        CUT,
        ENDS_IN_THE_MIDDLE,
        STALLED,
        ERROR_EVENT,
        NOT_JSON,
        PLAIN_JSON,
        EMPTY
    }

    /// One request: path, `Authorization` ("" where missing) and body.
    public record Call(String path, String authorization, JsonNode body) {}

    public final List<Call> calls = new CopyOnWriteArrayList<>();
    public final AtomicInteger faulty = new AtomicInteger(Integer.MAX_VALUE); // so many answers are `answer`
    public volatile Answer answer = Answer.WHOLE;
    public volatile int status = 200; // another one is sent with `refusal`, so many times as `faulty` says
    public volatile String refusal = "";
    public volatile String retryAfter = "";
    public volatile String models = "{\"data\":[{\"id\":\"stand-in\"},{\"id\":\"other\"}]}";
    public final AtomicInteger mostAtOnce = new AtomicInteger();
    private final AtomicLong running = new AtomicLong();

    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final HttpServer server;

    public StandInServer() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        server.createContext("/v1/models", exchange -> whole(exchange, 200, models));
        server.createContext("/v1/completions", exchange -> generate(exchange, false));
        server.createContext("/v1/chat/completions", exchange -> generate(exchange, true));
        server.start();
    }

    public String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    private void generate(HttpExchange exchange, boolean chat) throws IOException {
        int now = (int) running.incrementAndGet();
        mostAtOnce.accumulateAndGet(now, Math::max);
        String key = exchange.getRequestHeaders().getFirst("Authorization");
        JsonNode body = new ObjectMapper().readTree(exchange.getRequestBody().readAllBytes());
        calls.add(new Call(exchange.getRequestURI().getPath(), key == null ? "" : key, body));
        Answer kind = answer;
        int code = status;
        if (faulty.getAndUpdate(left -> Math.max(0, left - 1)) == 0) {
            kind = Answer.WHOLE;
            code = 200;
        }
        running.decrementAndGet(); // before the client knows, or it would be counted twice
        if (code != 200) {
            if (!retryAfter.isEmpty()) {
                exchange.getResponseHeaders().set("Retry-After", retryAfter);
            }
            whole(exchange, code, refusal);
        } else if (kind == Answer.PLAIN_JSON) {
            exchange.getResponseHeaders().set("Content-Type", "application/json");
            whole(exchange, 200, "{\"choices\":[{\"text\":\"all at once\"}]}");
        } else {
            stream(exchange, kind, chat, body);
        }
    }

    private static void stream(HttpExchange exchange, Answer kind, boolean chat, JsonNode body) throws IOException {
        int tokens = body.get("max_tokens").intValue() - (kind == Answer.EARLY_END ? 1 : 0);
        int choices = body.path("n").asInt(1);
        exchange.getResponseHeaders().set("Content-Type", "text/event-stream; charset=utf-8");
        // A length that is not reached is how a client knows of a cut.
        boolean cut = kind == Answer.CUT || kind == Answer.STALLED;
        exchange.sendResponseHeaders(200, cut ? 1 << 20 : 0);
        var out = exchange.getResponseBody();
        for (int i = 0; i < (kind == Answer.EMPTY ? 0 : tokens); i++) {
            if (i == 1 && kind != Answer.WHOLE) {
                switch (kind) {
                    case CUT -> {
                        out.flush();
                        exchange.close();
                        return;
                    }
                    case STALLED -> {
                        out.flush();
                        return; // and the connection stays open
                    }
                    case ENDS_IN_THE_MIDDLE -> {
                        exchange.close();
                        return;
                    }
                    case ERROR_EVENT -> write(exchange, "{\"error\":{\"message\":\"out of\\nblocks\",\"code\":500}}");
                    case NOT_JSON -> write(exchange, "{\"choices\":");
                    default -> {}
                }
            }
            for (int choice = 0; choice < choices; choice++) {
                write(exchange, "{\"choices\":[{\"index\":" + choice + "," + text(chat, "a") + "}]}");
            }
        }
        if (kind != Answer.EMPTY) {
            for (int choice = 0; choice < choices; choice++) {
                write(
                        exchange,
                        "{\"choices\":[{\"index\":" + choice + "," + text(chat, "")
                                + ",\"finish_reason\":\"length\"}]}");
            }
        }
        if (kind != Answer.WITHOUT_USAGE) {
            int prompt = chat ? 11 : body.get("prompt").size();
            write(
                    exchange,
                    "{\"choices\":[],\"usage\":{\"prompt_tokens\":" + prompt + ",\"completion_tokens\":"
                            + (kind == Answer.EMPTY ? 0 : tokens * choices) + "}}");
        }
        if (kind != Answer.WITHOUT_DONE) {
            write(exchange, "[DONE]");
        }
        exchange.close();
    }

    private static String text(boolean chat, String text) {
        return chat ? "\"delta\":{\"content\":\"" + text + "\"}" : "\"text\":\"" + text + "\"";
    }

    private static void write(HttpExchange exchange, String event) throws IOException {
        exchange.getResponseBody().write(("data: " + event + "\n\n").getBytes(StandardCharsets.UTF_8));
        exchange.getResponseBody().flush();
    }

    private static void whole(HttpExchange exchange, int status, String text) throws IOException {
        exchange.getRequestBody().readAllBytes();
        byte[] body = text.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
        exchange.getResponseBody().write(body);
        exchange.close();
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
