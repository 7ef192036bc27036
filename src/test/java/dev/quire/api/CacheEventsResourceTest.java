package dev.quire.api;

import static io.restassured.RestAssured.given;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasKey;
import static org.hamcrest.Matchers.startsWith;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.engine.InferenceEngine;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.net.URL;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// `/v1/cache/events` over connections.
@QuarkusTest
class CacheEventsResourceTest {
    private static final String PATH = "/v1/cache/events";
    private static final Random RANDOM = new Random();

    @TestHTTPResource
    URL server;

    @Inject
    InferenceEngine engine;

    @BeforeEach
    void idle() {
        assertTrue(engine.awaitReady(20_000));
        Await.until(
                "the engine is idle",
                () -> engine.stats().inUse()
                                + engine.stats().running()
                                + engine.stats().waiting()
                        == 0);
    }

    /// Listens when this returns.
    private RawConnection listen() {
        var connection = new RawConnection(server);
        connection.send("GET " + PATH + " HTTP/1.1\r\nHost: test\r\nAccept: text/event-stream\r\n\r\n");
        String head = connection.readUntil(": listening\n\n");
        assertTrue(head.startsWith("HTTP/1.1 200"), head);
        assertTrue(head.contains("text/event-stream"), head);
        assertTrue(head.contains("no-cache"), head);
        return connection;
    }

    private static void complete(int tokens) {
        String prompt = RANDOM.ints(tokens, 3, 300).boxed().toList().toString();
        given().contentType("application/json")
                .body("{\"prompt\":" + prompt + ",\"ignore_eos\":true,\"max_tokens\":2}")
                .post("/v1/completions")
                .then()
                .statusCode(200);
    }

    @Test
    void events_ofOneRequest_areThoseOfItsBlocks() {
        try (RawConnection connection = listen()) {
            complete(20);
            String first = connection.readUntil("event: allocated\n") + connection.readUntil("\n\n");
            assertTrue(first.contains("data: {\"step\":"), first);
            assertTrue(first.contains(",\"references\":1}"), first);
            String last = connection.readUntil("event: released\n") + connection.readUntil("\n\n");
            assertTrue(last.contains(",\"references\":0}"), last);
        }
    }

    @Test
    void listener_thatNeverReads_stopsNobody() {
        try (RawConnection connection = listen()) {
            for (int i = 0; i < 20; i++) {
                complete(40);
            }
            assertTrue(connection.readUntil("event: released\n").contains("event: allocated"));
        }
    }

    @Test
    void listeners_tooMany_are429_andOnesPlaceIsFreeWhenItGoes() {
        List<RawConnection> connections = new ArrayList<>();
        Await.until("earlier listeners have gone", () -> fill(connections, 8));
        given().get(PATH)
                .then()
                .statusCode(429)
                .header("Retry-After", equalTo("1"))
                .body("error.message", containsString("capacity=8"));
        connections.removeLast().close();
        Await.until("its place is free", () -> fill(connections, 8));
        connections.forEach(RawConnection::close);
    }

    /// Tries to have `count` listeners; true if it has.
    private boolean fill(List<RawConnection> connections, int count) {
        while (connections.size() < count) {
            var connection = new RawConnection(server);
            connection.send("GET " + PATH + " HTTP/1.1\r\nHost: test\r\n\r\n");
            if (!connection.readUntil("\r\n").startsWith("HTTP/1.1 200")) {
                connection.close();
                return false;
            }
            connections.add(connection);
        }
        return true;
    }

    @Test
    void disconnect_atOnce_leavesNoListener() {
        for (int i = 0; i < 50; i++) {
            try (var connection = new RawConnection(server)) {
                connection.send("GET " + PATH + " HTTP/1.1\r\nHost: test\r\n\r\n");
            }
        }
        List<RawConnection> connections = new ArrayList<>();
        Await.until("all places are free", () -> fill(connections, 8));
        connections.forEach(RawConnection::close);
    }

    @Test
    void methods_areGetAndHead_andHeadListensToNothing() {
        for (int i = 0; i < 20; i++) {
            given().head(PATH).then().statusCode(200).contentType(startsWith("text/event-stream"));
        }
        given().contentType("application/json")
                .body("{}")
                .post(PATH)
                .then()
                .statusCode(405)
                .header("Allow", containsString("GET"));
    }

    @Test
    void openApi_namesIt() {
        given().get("/q/openapi?format=json").then().statusCode(200).body("paths", hasKey(PATH));
        String types = given().get("/q/openapi?format=json").jsonPath().getString("paths.'" + PATH + "'.get.responses");
        assertEquals(true, types.contains("text/event-stream"), types);
    }
}
