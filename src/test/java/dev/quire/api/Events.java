package dev.quire.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.restassured.response.ValidatableResponse;
import java.util.Arrays;
import java.util.List;

/// A response of server-sent events, in OpenAI's framing: `data: `, one line, an empty line.
final class Events {
    private Events() {}

    static List<String> of(ValidatableResponse response) {
        var extracted = response.statusCode(200).extract();
        assertTrue(extracted.contentType().startsWith("text/event-stream"), extracted.contentType());
        assertEquals("no-cache", extracted.header("Cache-Control"));
        return of(extracted.body().asString());
    }

    static List<String> of(String body) {
        assertTrue(body.endsWith("\n\n"), body);
        return Arrays.stream(body.substring(0, body.length() - 2).split("\n\n"))
                .map(event -> {
                    assertTrue(event.startsWith("data: "), event);
                    return event.substring("data: ".length());
                })
                .toList();
    }
}
