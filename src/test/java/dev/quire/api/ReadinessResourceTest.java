package dev.quire.api;

import static io.restassured.RestAssured.given;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.engine.EngineStats;
import dev.quire.engine.InferenceEngine;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import io.restassured.path.json.JsonPath;
import jakarta.inject.Inject;
import java.net.URL;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// A server that is filled until it says that it is not ready, and drained until it says that it is: 32 blocks of
/// 16 tokens, of which one request takes all but 4 for as long as its client stays; four requests may wait.
@QuarkusTest
@TestProfile(ReadinessResourceTest.Short.class)
class ReadinessResourceTest {
    /// Blocks are short after 20 ms, which an answer takes several times over.
    public static final class Short implements QuarkusTestProfile {
        @Override
        public Map<String, String> getConfigOverrides() {
            return Map.of(
                    "quire.health.hold", "20ms",
                    "quire.health.low-watermark", "0.5",
                    "quire.health.high-watermark", "0.6",
                    "quire.cache.prefix", "off");
        }
    }

    @TestHTTPResource
    URL server;

    @Inject
    InferenceEngine engine;

    @BeforeEach
    void idle() {
        assertTrue(engine.awaitReady(20_000));
        Await.until("nothing runs or waits", () -> {
            EngineStats stats = engine.stats();
            return stats.running() + stats.waiting() + stats.inUse() == 0;
        });
        Await.until("it is ready", () -> ready() == 200);
    }

    private static int ready() {
        return given().get("/q/health/ready").statusCode();
    }

    private static double gauge() {
        for (String line : given().get("/q/metrics").asString().split("\n")) {
            if (line.startsWith("quire_ready ")) {
                return Double.parseDouble(line.substring(12));
            }
        }
        throw new AssertionError("quire_ready must be among the metrics");
    }

    private static JsonPath headroom() {
        return given().get("/v1/cache/headroom")
                .then()
                .statusCode(200)
                .extract()
                .jsonPath();
    }

    private static String body(int promptTokens, int maxTokens) {
        int[] prompt = new int[promptTokens];
        Arrays.fill(prompt, 5);
        return "{\"prompt\":" + Arrays.toString(prompt) + ",\"ignore_eos\":true,\"logprobs\":20,\"max_tokens\":"
                + maxTokens + ",\"stream\":true}";
    }

    @Test
    void headroom_idle_isThePool() {
        JsonPath headroom = headroom();
        assertEquals(32, headroom.getInt("blocks"));
        assertEquals(512, headroom.getInt("tokens"));
        assertEquals(2, headroom.getInt("sequences"));
        assertEquals(4, headroom.getInt("waiting"));
    }

    /// Why the server is not ready while `requests` such requests are there; on a quick machine they may be over
    /// before anybody has looked, and others come.
    private String notReady(int requests, int promptTokens, int maxTokens) {
        for (int attempt = 0; attempt < 20; attempt++) {
            long before = accepted();
            List<RawConnection> clients = new ArrayList<>();
            try {
                for (int i = 0; i < requests; i++) {
                    clients.add(new RawConnection(server));
                    clients.get(i).post("/v1/completions", body(promptTokens, maxTokens));
                }
                Await.until("one came in", () -> accepted() > before);
                while (busy()) {
                    String reason = given().get("/q/health/ready")
                            .path("checks.find { it.name == 'engine takes requests' }.data.reason");
                    if (reason != null) {
                        return reason;
                    }
                }
            } finally {
                clients.forEach(RawConnection::close);
            }
            idle();
        }
        throw new AssertionError("the server must not be ready while it is full");
    }

    private boolean busy() {
        EngineStats stats = engine.stats();
        return stats.running() + stats.waiting() > 0;
    }

    private long accepted() {
        EngineStats stats = engine.stats();
        return stats.running() + stats.waiting() + stats.finished() + stats.cancelled() + stats.failed();
    }

    @Test
    void poolFull_goesDownAfterTheHoldTime_andComesBackOnceDrained() {
        String reason = notReady(3, 430, 80); // 27 blocks each: two wait, which is within the bound
        assertTrue(reason.startsWith("headroom must be at least the low watermark"), reason);
        idle();
        Await.until("the gauge says so", () -> gauge() == 1);
    }

    @Test
    void boundReached_isNotReadyAtOnce_andComesBackOnceDrained() {
        assertEquals(
                "waiting must be below capacity: waiting=4, capacity=4",
                notReady(6, 5, 150)); // two run, and there are blocks
        idle();
    }
}
