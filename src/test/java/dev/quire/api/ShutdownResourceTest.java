package dev.quire.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.engine.InferenceEngine;
import io.quarkus.runtime.ShutdownDelayInitiatedEvent;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import jakarta.enterprise.event.Event;
import jakarta.inject.Inject;
import java.net.URL;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.junit.jupiter.api.Test;

/// The server is told to stop in mid-answer. With a profile of its own, as its engine does not run afterwards.
@QuarkusTest
@TestProfile(ShutdownResourceTest.Alone.class)
class ShutdownResourceTest {
    public static final class Alone implements QuarkusTestProfile {}

    @TestHTTPResource
    URL server;

    @Inject
    InferenceEngine engine;

    @Inject
    Event<ShutdownDelayInitiatedEvent> shutdown;

    /// Without the delay there is no such event.
    @ConfigProperty(name = "quarkus.shutdown.delay-enabled")
    boolean delayEnabled;

    @Test
    void shutdown_duringAStream_endsItWithAnError() {
        assertTrue(delayEnabled);
        assertTrue(engine.awaitReady(20_000));
        try (var connection = new RawConnection(server)) {
            connection.post(
                    "/v1/completions", "{\"prompt\":\"the\",\"max_tokens\":400,\"ignore_eos\":true,\"stream\":true}");
            connection.readUntil("data: ");
            shutdown.fire(new ShutdownDelayInitiatedEvent());
            String rest = connection.readUntil("\r\n0\r\n\r\n");
            assertTrue(rest.endsWith("\r\n0\r\n\r\n"), rest);
            String last = rest.substring(rest.lastIndexOf("data: "));
            assertEquals(
                    "data: {\"error\":{\"message\":\"the server is shutting down\",\"type\":\"server_error\","
                            + "\"param\":null,\"code\":\"generation_failed\"}}",
                    last.substring(0, last.indexOf('\n')));
        }
    }
}
