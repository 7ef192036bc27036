package dev.quire.api;

import static io.restassured.RestAssured.given;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.engine.EngineStats;
import dev.quire.engine.InferenceEngine;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.net.URI;
import java.net.URL;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Clients that go, and clients that are too many.
@QuarkusTest
class DisconnectResourceTest {
    private static final String LONG =
            "{\"prompt\":\"the\",\"ignore_eos\":true,\"max_tokens\":500,\"logprobs\":20,\"stream\":";

    @TestHTTPResource
    URL server;

    @Inject
    InferenceEngine engine;

    @BeforeEach
    void idle() {
        assertTrue(engine.awaitReady(20_000));
        Await.until("the engine is idle", this::isIdle);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void disconnect_whileRunning_cancels(boolean stream) {
        cancels(1, () -> {
            long before = ended();
            try (var connection = new RawConnection(server)) {
                connection.post("/v1/completions", LONG + stream + "}");
                Await.until("it runs, or ran", () -> engine.stats().running() > 0 || ended() > before);
            }
        });
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void disconnect_whileWaiting_cancels(boolean stream) {
        cancels(3, () -> {
            long before = ended();
            List<RawConnection> connections = postFour(stream);
            // Two run at most.
            Await.until("two wait, or waited", () -> engine.stats().waiting() > 1 || ended() > before);
            connections.forEach(RawConnection::close);
        });
    }

    /// HTTP/2: one stream is reset, its connection stays.
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void reset_ofOneStream_cancels(boolean stream) {
        try (HttpClient client = HttpClient.newHttpClient()) {
            // The first upgrades the connection.
            client.sendAsync(request("{\"prompt\":\"the\"}"), BodyHandlers.ofString())
                    .join();
            Await.until("the engine is idle", this::isIdle);
            cancels(1, () -> {
                long before = ended();
                var answer = client.sendAsync(request(LONG + stream + "}"), BodyHandlers.ofString());
                Await.until("it runs, or ran", () -> engine.stats().running() > 0 || ended() > before);
                answer.cancel(true);
            });
        }
    }

    /// `leaving` ends at least `requests` early and leaves nothing behind. On a busy machine a whole answer may be made
    /// between two looks of the test, and then there is nothing to cancel: so it may try again.
    private void cancels(int requests, Runnable leaving) {
        long cancelled;
        int attempts = 0;
        do {
            assertTrue(attempts++ < 20, "a request must be cancelled at last: requests=" + requests);
            cancelled = engine.stats().cancelled();
            leaving.run();
            Await.until("nothing is left", this::isIdle);
        } while (engine.stats().cancelled() - cancelled < requests);
    }

    /// Two at once do not fit the pool, four do not fit the batch: all are answered in full all the same.
    @Test
    void requests_moreThanFit_allEnd() {
        List<RawConnection> connections = postFour(true);
        for (RawConnection connection : connections) {
            String response = connection.readUntil("[DONE]\n\n");
            assertTrue(response.contains("\"finish_reason\":\"length\""), response);
            connection.close();
        }
        Await.until("nothing is left", this::isIdle);
    }

    private List<RawConnection> postFour(boolean stream) {
        List<RawConnection> connections = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            connections.add(new RawConnection(server));
            connections.get(i).post("/v1/completions", LONG + stream + "}");
        }
        return connections;
    }

    private long ended() {
        EngineStats stats = engine.stats();
        return stats.finished() + stats.cancelled();
    }

    private HttpRequest request(String body) {
        return HttpRequest.newBuilder(URI.create(server + "v1/completions"))
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(body))
                .build();
    }

    @Test
    void disconnect_atOnce_leavesNothing() {
        for (int i = 0; i < 50; i++) {
            try (var connection = new RawConnection(server)) {
                connection.post("/v1/completions", LONG + (i % 2 == 0) + "}");
            }
        }
        given().contentType("application/json").body("{\"prompt\":\"the\"}").post("/v1/completions");
        Await.until("nothing is left", this::isIdle);
    }

    @Test
    void bound_reached_is429WithRetryAfter() {
        List<RawConnection> connections = new ArrayList<>();
        // Two run and four wait: the batch and the bound take no more.
        for (int i = 0; i < 12; i++) {
            connections.add(new RawConnection(server));
            connections.get(i).post("/v1/completions", LONG + "true}");
        }
        List<String> heads = connections.stream()
                .map(connection -> connection.readUntil("\r\n\r\n"))
                .toList();
        connections.forEach(RawConnection::close);
        List<String> refused =
                heads.stream().filter(head -> head.startsWith("HTTP/1.1 429")).toList();
        assertTrue(refused.size() >= 5, heads.toString());
        refused.forEach(head -> assertTrue(head.contains("Retry-After: "), head));
        assertEquals(
                12 - refused.size(),
                heads.stream().filter(head -> head.startsWith("HTTP/1.1 200")).count());
        Await.until("their blocks are back", this::isIdle);
    }

    private boolean isIdle() {
        EngineStats stats = engine.stats();
        return stats.running() == 0
                && stats.waiting() == 0
                && stats.inUse() == 0
                && stats.free() + stats.cached() == stats.blocks();
    }
}
