package dev.quire.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.engine.InferenceEngine;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.net.URI;
import java.net.URL;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The JDK's client asks for HTTP/2 with its first request, whatever body that has.
@QuarkusTest
class UpgradeResourceTest {
    @TestHTTPResource
    URL server;

    @Inject
    InferenceEngine engine;

    @BeforeEach
    void ready() {
        assertTrue(engine.awaitReady(20_000));
    }

    @ParameterizedTest
    @CsvSource({
        "HTTP_2, 100, false",
        "HTTP_2, 100, true",
        "HTTP_2, 1000000, false",
        "HTTP_2, 1000000, true",
        "HTTP_1_1, 100, true",
        "HTTP_1_1, 1000000, false"
    })
    void upgrade_withBody_isAnswered(HttpClient.Version version, int padding, boolean stream) throws Exception {
        try (HttpClient client = HttpClient.newBuilder().version(version).build()) {
            for (int i = 0; i < 3; i++) { // the first upgrades, the others use what it made
                HttpResponse<String> response = client.send(request(padding, stream), BodyHandlers.ofString());
                assertEquals(200, response.statusCode(), response.body());
                assertTrue(response.body().contains("\"finish_reason\":\"length\""), response.body());
                assertEquals(stream, response.body().endsWith("data: [DONE]\n\n"), response.body());
            }
        }
    }

    private HttpRequest request(int padding, boolean stream) {
        String body = "{\"prompt\":\"the\",\"max_tokens\":3,\"ignore_eos\":true,\"stream\":" + stream + ",\"user\":\""
                + "x".repeat(padding) + "\"}";
        return HttpRequest.newBuilder(URI.create(server + "v1/completions"))
                .timeout(Duration.ofSeconds(20))
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(body))
                .build();
    }
}
