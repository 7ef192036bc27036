package dev.quire.api;

import static io.restassured.RestAssured.given;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasSize;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.nullValue;
import static org.hamcrest.Matchers.startsWith;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.engine.InferenceEngine;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.path.json.JsonPath;
import io.restassured.response.ValidatableResponse;
import jakarta.inject.Inject;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// `POST /v1/chat/completions`, whole and streamed.
@QuarkusTest
class ChatCompletionResourceTest {
    private static final String GREEDY =
            "{\"messages\":[{\"role\":\"user\",\"content\":\"the blocks\"}],\"temperature\":0,\"ignore_eos\":true,";

    @Inject
    InferenceEngine engine;

    @BeforeEach
    void ready() {
        assertTrue(engine.awaitReady(20_000));
    }

    @Test
    void whole_hasOpenAisShape() {
        post(GREEDY + "\"max_tokens\":9,\"max_completion_tokens\":4}")
                .statusCode(200)
                .body("id", startsWith("chatcmpl-"))
                .body("object", equalTo("chat.completion"))
                .body("choices", hasSize(1))
                .body("choices[0].message.role", equalTo("assistant"))
                .body("choices[0].message.content", not(nullValue()))
                .body("choices[0].logprobs", nullValue())
                .body("choices[0].finish_reason", equalTo("length"))
                .body("usage.completion_tokens", equalTo(4));
    }

    @Test
    void maxTokens_absent_isWhatContextAndPoolAllow() {
        JsonPath answer = post(GREEDY + "\"seed\":1}").extract().jsonPath();
        assertEquals(32 * 16, answer.getInt("usage.total_tokens"), 1);
    }

    @Test
    void prompt_isTheTemplatesTokens() {
        int count = given().contentType("application/json")
                .body("{\"messages\":[{\"role\":\"user\",\"content\":\"the blocks\"}]}")
                .post("/tokenize")
                .path("count");
        post(GREEDY + "\"max_tokens\":1}").body("usage.prompt_tokens", equalTo(count));
    }

    @Test
    void contents_textPartsAndNull_areTaken() {
        String joined = content("{\"role\":\"user\",\"content\":\"a\\nb\"}");
        assertEquals(
                joined,
                content("{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},"
                        + "{\"type\":\"text\",\"text\":\"b\"}]}"));
        content("{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"assistant\",\"content\":null},"
                + "{\"role\":\"user\",\"content\":\"b\"}");
    }

    @Test
    void role_developer_isSystem() {
        assertEquals(
                content("{\"role\":\"system\",\"content\":\"a\"},{\"role\":\"user\",\"content\":\"b\"}"),
                content("{\"role\":\"developer\",\"content\":\"a\"},{\"role\":\"user\",\"content\":\"b\"}"));
    }

    @Test
    void logprobs_haveBytesAndAlternatives() {
        post(GREEDY + "\"max_tokens\":3,\"logprobs\":true,\"top_logprobs\":2}")
                .body("choices[0].logprobs.content", hasSize(3))
                .body("choices[0].logprobs.content[0].bytes", not(hasSize(0)))
                .body("choices[0].logprobs.content[0].top_logprobs", hasSize(2));
        post(GREEDY + "\"max_tokens\":3,\"logprobs\":true}")
                .body("choices[0].logprobs.content[0].top_logprobs", hasSize(0));
    }

    @Test
    void stream_isRoleThenContentThenReasonThenUsageThenDone() {
        String whole = post(GREEDY + "\"max_tokens\":20}").extract().path("choices[0].message.content");
        List<String> events = Events.of(
                post(GREEDY + "\"max_tokens\":20,\"stream\":true,\"stream_options\":{\"include_usage\":true}}"));
        int count = events.size();
        assertEquals(
                Map.of("role", "assistant", "content", ""), new JsonPath(events.getFirst()).getMap("choices[0].delta"));
        var text = new StringBuilder();
        for (String event : events.subList(1, count - 3)) {
            assertEquals("chat.completion.chunk", new JsonPath(event).getString("object"));
            text.append(new JsonPath(event).getString("choices[0].delta.content"));
        }
        assertEquals(whole, text.toString());
        assertEquals(Map.of(), new JsonPath(events.get(count - 3)).getMap("choices[0].delta"));
        assertEquals("length", new JsonPath(events.get(count - 3)).getString("choices[0].finish_reason"));
        assertEquals(List.of(), new JsonPath(events.get(count - 2)).getList("choices"));
        assertEquals(20, new JsonPath(events.get(count - 2)).getInt("usage.completion_tokens"));
        assertEquals("[DONE]", events.get(count - 1));
    }

    @Test
    void stream_withLogprobs_hasThemWithTheContent() {
        List<String> events =
                Events.of(post(GREEDY + "\"max_tokens\":4,\"stream\":true,\"logprobs\":true,\"top_logprobs\":1}"));
        long scored = events.stream()
                .filter(event -> event.contains("\"top_logprobs\""))
                .mapToLong(event -> new JsonPath(event)
                        .getList("choices[0].logprobs.content")
                        .size())
                .sum();
        assertEquals(4, scored);
        assertTrue(events.getLast().equals("[DONE]"));
    }

    private static String content(String messages) {
        return post("{\"messages\":[" + messages + "],\"temperature\":0,\"max_tokens\":4,\"ignore_eos\":true}")
                .statusCode(200)
                .extract()
                .path("choices[0].message.content");
    }

    private static ValidatableResponse post(String body) {
        return given().contentType("application/json")
                .body(body)
                .post("/v1/chat/completions")
                .then();
    }
}
