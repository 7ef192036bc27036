package dev.quire.api;

import static io.restassured.RestAssured.given;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.hasSize;
import static org.hamcrest.Matchers.lessThanOrEqualTo;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.nullValue;
import static org.hamcrest.Matchers.startsWith;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.engine.InferenceEngine;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.path.json.JsonPath;
import io.restassured.response.ValidatableResponse;
import jakarta.inject.Inject;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// `POST /v1/completions`, whole and streamed.
@QuarkusTest
class CompletionResourceTest {
    private static final String GREEDY = "{\"prompt\":\"When the\",\"temperature\":0,\"ignore_eos\":true,";

    @Inject
    InferenceEngine engine;

    @BeforeEach
    void ready() {
        assertTrue(engine.awaitReady(20_000));
    }

    @Test
    void whole_hasOpenAisShape() {
        post(GREEDY + "\"max_tokens\":5}")
                .statusCode(200)
                .contentType("application/json")
                .body("id", startsWith("cmpl-"))
                .body("object", equalTo("text_completion"))
                .body("model", equalTo("tiny-llama-f32"))
                .body("choices", hasSize(1))
                .body("choices[0].index", equalTo(0))
                .body("choices[0].logprobs", nullValue())
                .body("choices[0].finish_reason", equalTo("length"))
                .body("usage.prompt_tokens", equalTo(2))
                .body("usage.completion_tokens", equalTo(5))
                .body("usage.total_tokens", equalTo(7))
                .body("usage.prompt_tokens_details.cached_tokens", equalTo(0));
    }

    @Test
    void maxTokens_absent_is16() {
        post("{\"prompt\":\"the\",\"ignore_eos\":true}").body("usage.completion_tokens", equalTo(16));
    }

    @Test
    void nulls_meanDefaults_andUnknownFieldsAreIgnored() {
        post("{\"prompt\":\"the\",\"model\":null,\"max_tokens\":null,\"temperature\":null,\"stop\":null,\"n\":null,"
                        + "\"logit_bias\":null,\"stream\":null,\"stream_options\":null,\"user\":\"u\",\"tools\":[1]}")
                .statusCode(200);
    }

    @Test
    void prompts_ofEveryForm_giveTheSameAnswer() {
        String text = text(GREEDY + "\"max_tokens\":8}");
        int[] tokens = given().contentType("application/json")
                .body("{\"prompt\":\"When the\"}")
                .post("/tokenize")
                .as(TokenizeResponse.class)
                .tokens();
        String ids = tokens[0] + "," + tokens[1];
        for (String prompt : List.of("[\"When the\"]", "[" + ids + "]", "[[" + ids + "]]")) {
            assertEquals(
                    text, text("{\"prompt\":" + prompt + ",\"temperature\":0,\"ignore_eos\":true,\"max_tokens\":8}"));
        }
    }

    @Test
    void seed_sameTwice_givesTheSameAnswer_andNoneGivesOthers() {
        String seeded = "{\"prompt\":\"the\",\"ignore_eos\":true,\"max_tokens\":12,\"seed\":7}";
        assertEquals(text(seeded), text(seeded));
        String drawn = "{\"prompt\":\"the\",\"ignore_eos\":true,\"max_tokens\":12,\"temperature\":2}";
        assertFalse(text(drawn).equals(text(drawn)) && text(drawn).equals(text(drawn)));
    }

    @Test
    void stop_endsTheAnswerBeforeIt() {
        String free = text(GREEDY + "\"max_tokens\":30}");
        String stop = free.substring(0, 1);
        post(GREEDY + "\"max_tokens\":30,\"stop\":[\"" + stop + "\",\"zzz\"]}")
                .body("choices[0].text", equalTo(""))
                .body("choices[0].finish_reason", equalTo("stop"));
    }

    @Test
    void logprobs_areFourListsOfOneEntryAToken() {
        post(GREEDY + "\"max_tokens\":4,\"logprobs\":2}")
                .body("choices[0].logprobs.tokens", hasSize(4))
                .body("choices[0].logprobs.token_logprobs", hasSize(4))
                .body("choices[0].logprobs.token_logprobs[0]", lessThanOrEqualTo(0f))
                .body("choices[0].logprobs.top_logprobs", hasSize(4))
                .body("choices[0].logprobs.top_logprobs[0].size()", equalTo(2))
                .body("choices[0].logprobs.text_offset", hasSize(4))
                .body("choices[0].logprobs.text_offset[0]", equalTo(0));
    }

    @Test
    void echo_withLogprobs_scoresThePromptToo() {
        post(GREEDY + "\"max_tokens\":2,\"logprobs\":1,\"echo\":true}")
                .body("choices[0].text", startsWith("When the"))
                .body("choices[0].logprobs.tokens", hasSize(4))
                .body("choices[0].logprobs.tokens[0..1]", contains("When", " the"))
                .body("choices[0].logprobs.token_logprobs[0]", nullValue())
                .body("choices[0].logprobs.token_logprobs[1]", not(nullValue()))
                .body("choices[0].logprobs.top_logprobs[0]", nullValue())
                .body("choices[0].logprobs.text_offset[0..2]", contains(0, 4, 8));
    }

    @Test
    void echo_withoutTokens_givesThePrompt() {
        for (String fields :
                List.of("\"max_tokens\":0,\"echo\":true}", "\"max_tokens\":0,\"echo\":true,\"logprobs\":0}")) {
            post(GREEDY + fields)
                    .statusCode(200)
                    .body("choices[0].text", equalTo("When the"))
                    .body("choices[0].finish_reason", equalTo("length"))
                    .body("usage.completion_tokens", equalTo(0));
        }
    }

    @Test
    void stream_saysTheSameAsTheWhole_inOrder() {
        String whole = text(GREEDY + "\"max_tokens\":20}");
        List<String> events = Events.of(post(GREEDY + "\"max_tokens\":20,\"stream\":true}"));
        assertEquals("[DONE]", events.getLast());
        var text = new StringBuilder();
        List<String> chunks = events.subList(0, events.size() - 1);
        for (String chunk : chunks) {
            var json = new JsonPath(chunk);
            assertEquals("text_completion", json.getString("object"));
            assertEquals(new JsonPath(chunks.getFirst()).getString("id"), json.getString("id"));
            assertFalse(json.getMap("").containsKey("usage"), chunk);
            text.append(json.getString("choices[0].text"));
            assertEquals(chunk == chunks.getLast() ? "length" : null, json.getString("choices[0].finish_reason"));
        }
        assertEquals(whole, text.toString());
    }

    @Test
    void stream_withUsage_saysItInTheLastChunkAndNullBefore() {
        List<String> events = Events.of(
                post(GREEDY + "\"max_tokens\":3,\"stream\":true,\"stream_options\":{\"include_usage\":true}}"));
        var last = new JsonPath(events.get(events.size() - 2));
        assertEquals(List.of(), last.getList("choices"));
        assertEquals(5, last.getInt("usage.total_tokens"));
        var first = new JsonPath(events.getFirst());
        assertTrue(first.getMap("").containsKey("usage"));
        assertNull(first.get("usage"));
    }

    @Test
    void stream_withEchoAndLogprobs_beginsWithThePrompt() {
        List<String> events =
                Events.of(post(GREEDY + "\"max_tokens\":2,\"stream\":true,\"echo\":true,\"logprobs\":0}"));
        var first = new JsonPath(events.getFirst());
        assertEquals("When the", first.getString("choices[0].text"));
        assertEquals(List.of("When", " the"), first.getList("choices[0].logprobs.tokens"));
        assertEquals(8, new JsonPath(events.get(1)).getInt("choices[0].logprobs.text_offset[0]"));
    }

    private static String text(String body) {
        return post(body).statusCode(200).extract().path("choices[0].text");
    }

    private static ValidatableResponse post(String body) {
        return given().contentType("application/json")
                .body(body)
                .post("/v1/completions")
                .then();
    }
}
