package dev.quire.api;

import static io.restassured.RestAssured.given;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.lessThan;
import static org.hamcrest.Matchers.notNullValue;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.quire.engine.InferenceEngine;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.config.EncoderConfig;
import io.restassured.config.RestAssuredConfig;
import io.restassured.response.ValidatableResponse;
import jakarta.inject.Inject;
import java.net.URL;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Everything a client can do wrong, and what it is told.
@QuarkusTest
class ErrorResourceTest {
    private static final String COMPLETIONS = "/v1/completions";
    private static final String CHAT = "/v1/chat/completions";

    @TestHTTPResource
    URL server;

    @Inject
    InferenceEngine engine;

    @BeforeEach
    void ready() {
        assertTrue(engine.awaitReady(20_000));
    }

    /// One wrong body: `param` null means that no parameter is named.
    record Wrong(String name, String path, String body, int status, String param, String message) {
        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Wrong> bodies() {
        return Stream.of(noRequests(), prompts(), lengths(), parameters(), choices(), chats(), tokens())
                .flatMap(part -> part);
    }

    private static Stream<Wrong> noRequests() {
        return Stream.of(
                wrong("empty body", "", null, "body must be a JSON object: body.length=0"),
                wrong("blank body", "  ", null, "body must be"),
                wrong("array", "[]", null, "body must be a JSON object: body=an array of 0"),
                wrong("number", "12", null, "body=12"),
                wrong("null", "null", null, "body=null"),
                wrong("cut off", "{\"prompt\":", null, "body must be valid JSON"),
                wrong("no JSON", "prompt=the", null, "body must be valid JSON"),
                wrong("trailing text", "{\"prompt\":\"a\"} x", null, "body must be valid JSON"),
                wrong("duplicate field", "{\"prompt\":\"a\",\"prompt\":\"b\"}", null, "Duplicate field 'prompt'"),
                wrong("deep arrays", "[".repeat(100_000), null, "nesting depth"),
                wrong("deep objects", "{\"a\":".repeat(100_000), null, "nesting depth"),
                wrong("long number", with("\"seed\":" + "9".repeat(100_000)), null, "body must be valid JSON"),
                wrong("NaN", with("\"temperature\":NaN"), null, "body must be valid JSON"));
    }

    private static Stream<Wrong> prompts() {
        return Stream.of(
                wrong("no prompt", "{}", "prompt", "prompt must be given"),
                wrong("null prompt", "{\"prompt\":null}", "prompt", "prompt must be given"),
                wrong("empty prompt", "{\"prompt\":\"\"}", "prompt", "prompt must not be empty"),
                wrong("empty array", "{\"prompt\":[]}", "prompt", "prompt must not be empty"),
                wrong("empty ids", "{\"prompt\":[[]]}", "prompt", "prompt must not be empty"),
                wrong("object prompt", "{\"prompt\":{}}", "prompt", "prompt must be a string or an array"),
                wrong("two prompts", "{\"prompt\":[\"a\",\"b\"]}", "prompt", "prompt must be one prompt"),
                wrong("mixed ids", "{\"prompt\":[1,\"a\"]}", "prompt", "prompt[1]=\"a\""),
                wrong("fractional id", "{\"prompt\":[1.5]}", "prompt", "prompt[0]=1.5"),
                wrong("negative id", "{\"prompt\":[-1]}", "prompt", "prompt[0]=-1"),
                wrong("unknown id", "{\"prompt\":[1,320]}", "prompt", "prompt[1]=320, vocabulary=320"),
                wrong("huge id", "{\"prompt\":[99999999999]}", "prompt", "prompt[0]=99999999999"));
    }

    private static Stream<Wrong> lengths() {
        return Stream.of(
                wrong("text for integer", with("\"max_tokens\":\"ten\""), "max_tokens", "max_tokens=\"ten\""),
                wrong("fraction for integer", with("\"max_tokens\":1.5"), "max_tokens", "must be an integer"),
                wrong("beyond int", with("\"max_tokens\":99999999999"), "max_tokens", "max_tokens=99999999999"),
                wrong("beyond long", with("\"seed\":99999999999999999999"), "seed", "an integer of 64 bits"),
                wrong("no tokens", with("\"max_tokens\":0"), "max_tokens", "max_tokens must be at least 1"),
                wrong("negative tokens", with("\"max_tokens\":-3"), "max_tokens", "max_tokens=-3"),
                wrong("text for boolean", with("\"stream\":\"true\""), "stream", "stream must be true or false"),
                wrong("infinite", with("\"temperature\":1e999"), "temperature", "temperature=Infinity"));
    }

    private static Stream<Wrong> parameters() {
        return Stream.of(
                wrong("cold", with("\"temperature\":-1"), "temperature", "temperature must be between"),
                wrong("text for number", with("\"top_p\":\"1\""), "top_p", "top_p must be a number"),
                wrong("top_p 0", with("\"top_p\":0"), "top_p", "top_p must be above 0"),
                wrong("top_k", with("\"top_k\":-2"), "top_k", "top_k must not be negative: top_k=-2"),
                wrong("min_p", with("\"min_p\":1.1"), "min_p", "min_p must be between"),
                wrong("presence", with("\"presence_penalty\":3"), "presence_penalty", "presence_penalty=3.0"),
                wrong("frequency", with("\"frequency_penalty\":-3"), "frequency_penalty", "must be between"),
                wrong("repetition", with("\"repetition_penalty\":0"), "repetition_penalty", "must be above 0"),
                wrong("bias array", with("\"logit_bias\":[1]"), "logit_bias", "logit_bias must be an object"),
                wrong("bias key", with("\"logit_bias\":{\"x\":1}"), "logit_bias", "key=x"),
                wrong("bias token", with("\"logit_bias\":{\"320\":1}"), "logit_bias", "token=320, vocabulary=320"),
                wrong("bias value", with("\"logit_bias\":{\"5\":101}"), "logit_bias", "logit_bias[5]=101.0"),
                wrong("stop number", with("\"stop\":1"), "stop", "stop must be a string or an array"),
                wrong("stop empty", with("\"stop\":\"\""), "stop", "stop must have 1 to 1000 characters"),
                wrong("stop element", with("\"stop\":[null]"), "stop", "stop must be a string"),
                wrong(
                        "stops",
                        with("\"stop\":[" + String.join(",", Collections.nCopies(17, "\"a\"")) + "]"),
                        "stop",
                        "stop must have at most 16 strings: stop.length=17"),
                wrong("suffix", with("\"suffix\":\"a\""), "suffix", "suffix must not be given"),
                wrong("logprobs", with("\"logprobs\":21"), "logprobs", "logprobs must be between 0 and 20"),
                wrong("logprobs type", with("\"logprobs\":true"), "logprobs", "logprobs must be an integer"),
                wrong("priority", with("\"priority\":0.5"), "priority", "priority must be an integer"),
                wrong("stream options", with("\"stream_options\":{}"), "stream_options", "only be given with stream"),
                wrong(
                        "usage",
                        with("\"stream\":true,\"stream_options\":{\"include_usage\":1}"),
                        "stream_options.include_usage",
                        "must be true or false"),
                wrong("model type", with("\"model\":5"), "model", "model must be a string"),
                new Wrong("model", COMPLETIONS, with("\"model\":\"gpt-4\""), 404, "model", "model=gpt-4"),
                wrong("context", "{\"prompt\":\"" + "the ".repeat(3000) + "\"}", "prompt", "max_model_len=1024"),
                wrong("answer too long", with("\"max_tokens\":2000"), "max_tokens", "max_tokens=2000"),
                wrong("pool", with("\"max_tokens\":600"), "max_tokens", "blocks=32"));
    }

    /// Two sequences run at once here.
    private static Stream<Wrong> choices() {
        return Stream.of(
                wrong("n 0", with("\"n\":0"), "n", "n must be between 1 and 128: n=0"),
                wrong("n 129", with("\"n\":129"), "n", "n must be between 1 and 128: n=129"),
                wrong("n type", with("\"n\":\"2\""), "n", "n must be an integer: n=\"2\""),
                wrong("n fraction", with("\"n\":1.5"), "n", "n must be an integer"),
                wrong(
                        "n beyond the batch",
                        with("\"n\":3"),
                        "n",
                        "n must be at most the sequences that run at once: n=3, quire.batch.sequences=2"),
                wrong("best_of 0", with("\"best_of\":0"), "best_of", "best_of must be between 1 and 128"),
                wrong("best_of type", with("\"best_of\":true"), "best_of", "best_of must be an integer"),
                wrong("best_of below n", with("\"n\":2,\"best_of\":1"), "best_of", "at least n: best_of=1, n=2"),
                wrong(
                        "best_of to stream",
                        with("\"stream\":true,\"best_of\":2"),
                        "best_of",
                        "best_of must be n with stream: best_of=2, n=1"),
                wrong(
                        "best_of beyond the batch",
                        with("\"stream\":false,\"best_of\":5"),
                        "best_of",
                        "best_of must be at most the sequences that run at once: best_of=5, quire.batch.sequences=2"),
                wrong(
                        "salt empty",
                        with("\"cache_salt\":\"\""),
                        "cache_salt",
                        "cache_salt must have 1 to 256 characters"),
                wrong("salt type", with("\"cache_salt\":1"), "cache_salt", "cache_salt must be a string"),
                wrong(
                        "salt long",
                        with("\"cache_salt\":\"" + "s".repeat(257) + "\""),
                        "cache_salt",
                        "cache_salt.length=257"),
                chat("n", talk("\"n\":-1"), "n", "n must be between 1 and 128: n=-1"),
                chat("n beyond the batch", talk("\"n\":128"), "n", "n=128, quire.batch.sequences=2"),
                chat("salt", talk("\"cache_salt\":\"\""), "cache_salt", "cache_salt.length=0"));
    }

    private static Stream<Wrong> chats() {
        return Stream.of(
                chat("no messages", "{}", "messages", "messages must be given"),
                chat("empty messages", "{\"messages\":[]}", "messages", "messages.length=0"),
                chat("messages type", "{\"messages\":\"a\"}", "messages", "messages must be an array"),
                chat("message type", "{\"messages\":[\"a\"]}", "messages[0]", "messages[0] must be an object"),
                chat("no role", message("\"content\":\"a\""), "messages[0].role", "must be given"),
                chat("role", message("\"role\":\"x\",\"content\":\"a\""), "messages[0].role", "messages[0].role=x"),
                chat("no content", message("\"role\":\"user\""), "messages[0].content", "must be given"),
                chat("content type", message("\"role\":\"user\",\"content\":1"), "messages[0].content", "must be"),
                chat(
                        "image",
                        message("\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]"),
                        "messages[0].content[0].type",
                        "must be text"),
                chat("tokens", talk("\"max_completion_tokens\":0"), "max_completion_tokens", "must be between 1"),
                chat("top", talk("\"top_logprobs\":2"), "top_logprobs", "only be given with logprobs"),
                chat("tops", talk("\"logprobs\":true,\"top_logprobs\":21"), "top_logprobs", "between 0 and 20"),
                chat("logprobs", talk("\"logprobs\":3"), "logprobs", "must be true or false"));
    }

    private static Stream<Wrong> tokens() {
        return Stream.of(
                new Wrong("no text", "/tokenize", "{}", 400, "prompt", "prompt must be given"),
                new Wrong("no ids", "/detokenize", "{}", 400, "tokens", "tokens must be given"),
                new Wrong("ids", "/detokenize", "{\"tokens\":[320]}", 400, "tokens", "tokens[0]=320"),
                new Wrong("id type", "/detokenize", "{\"tokens\":[\"1\"]}", 400, "tokens", "tokens[0]=\"1\""));
    }

    @ParameterizedTest
    @MethodSource("bodies")
    void wrongBody_isTheClientsError(Wrong wrong) throws JsonProcessingException {
        check(wrong, wrong.body());
    }

    /// Streams are refused before they begin, so as JSON and with the right status.
    static Stream<Wrong> streamedBodies() {
        return bodies().filter(wrong -> wrong.path().startsWith("/v1"))
                .filter(wrong -> wrong.param() != null)
                .filter(wrong -> !wrong.body().contains("\"stream"));
    }

    @ParameterizedTest
    @MethodSource("streamedBodies")
    void wrongBody_toStream_isTheSameError(Wrong wrong) throws JsonProcessingException {
        String separator = wrong.body().equals("{}") ? "" : ",";
        check(wrong, "{\"stream\":true" + separator + wrong.body().substring(1));
    }

    private static void check(Wrong wrong, String body) throws JsonProcessingException {
        var response = post(wrong.path(), body).extract();
        assertEquals(wrong.status(), response.statusCode(), response.asString());
        assertEquals("application/json", response.contentType());
        JsonNode answer = new ObjectMapper().readTree(response.asString());
        assertEquals(
                Set.of("error"),
                answer.properties().stream().map(Map.Entry::getKey).collect(Collectors.toSet()));
        assertEquals(wrong.param(), answer.at("/error/param").textValue());
        assertTrue(answer.at("/error/message").textValue().contains(wrong.message()), answer.toString());
        assertFalse(answer.at("/error/type").textValue().isEmpty());
        assertFalse(answer.at("/error/code").textValue().isEmpty());
    }

    @Test
    void hugeValue_isNotEchoed() {
        String value = "x".repeat(1 << 20);
        for (String body : new String[] {
            with("\"max_tokens\":\"" + value + "\""),
            with("\"model\":\"" + value + "\""),
            with("\"" + value.substring(0, 900) + "\":1,\"n\":\"" + value + "\""),
            with("\"logit_bias\":{\"" + value.substring(0, 900) + "\":1}"),
            value
        }) {
            post(COMPLETIONS, body).body("error.message.length()", lessThan(400));
        }
    }

    @Test
    void mediaType_other_isUnsupported() {
        is(given().contentType("text/plain").body("{}").post(COMPLETIONS).then(), 415)
                .body("error.code", equalTo("unsupported_media_type"));
    }

    @Test
    void method_other_isNotAllowedAndSaysWhichIs() {
        is(given().get(COMPLETIONS).then(), 405).header("Allow", containsString("POST"));
        is(given().delete(CHAT).then(), 405).header("Allow", containsString("POST"));
        is(given().contentType("application/json").body("{}").post("/v1/models").then(), 405)
                .header("Allow", containsString("GET"));
    }

    @Test
    void path_unknown_isNotFound() {
        is(given().get("/v2/nothing").then(), 404).body("error.code", equalTo("not_found"));
        is(post("/v1/embeddings", "{}"), 404).body("error.code", equalTo("not_found"));
        is(given().get("/v1/models/other").then(), 404).body("error.code", equalTo("model_not_found"));
    }

    @Test
    void body_tooLarge_isRefusedBeforeItIsRead() {
        try (var connection = new RawConnection(server)) {
            connection.send("POST /v1/completions HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
                    + "Content-Length: 17000000\r\n\r\n{");
            String response = connection.readUntil("}}");
            assertTrue(response.startsWith("HTTP/1.1 413"), response);
            assertTrue(response.contains("\"code\":\"body_too_large\""), response);
        }
    }

    @Test
    void body_tooLargeInChunks_isRefused() {
        String chunk = "100000\r\n" + " ".repeat(1 << 20) + "\r\n";
        try (var connection = new RawConnection(server)) {
            connection.send("POST /v1/completions HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"
                    + "Transfer-Encoding: chunked\r\n\r\n");
            for (int i = 0; i < 17; i++) {
                connection.send(chunk);
            }
            String response = connection.readUntil("}}");
            assertTrue(response.startsWith("HTTP/1.1 413"), response);
            assertTrue(response.contains("\"code\":\"body_too_large\""), response);
        }
    }

    @Test
    void host_missing_isBadRequestWithoutStackTrace() {
        try (var connection = new RawConnection(server)) {
            connection.send("GET /v1/models HTTP/1.1\r\n\r\n");
            String response = connection.readUntil("}}");
            assertTrue(response.startsWith("HTTP/1.1 400"), response);
            assertTrue(response.contains("\"error\""), response);
            assertFalse(response.contains("stack"), response);
        }
    }

    private static Wrong wrong(String name, String body, String param, String message) {
        return new Wrong(name, COMPLETIONS, body, 400, param, message);
    }

    private static Wrong chat(String name, String body, String param, String message) {
        return new Wrong("chat: " + name, CHAT, body, 400, param, message);
    }

    private static String with(String field) {
        return "{\"prompt\":\"the\"," + field + "}";
    }

    private static String message(String fields) {
        return "{\"messages\":[{" + fields + "}]}";
    }

    private static String talk(String field) {
        return "{\"messages\":[{\"role\":\"user\",\"content\":\"the\"}]," + field + "}";
    }

    private static ValidatableResponse post(String path, String body) {
        return given().config(RestAssuredConfig.config()
                        .encoderConfig(EncoderConfig.encoderConfig()
                                .appendDefaultContentCharsetToContentTypeIfUndefined(false)))
                .contentType("application/json")
                .body(body)
                .post(path)
                .then();
    }

    private static ValidatableResponse is(ValidatableResponse response, int status) {
        return response.statusCode(status)
                .contentType("application/json")
                .body("error.message", notNullValue())
                .body("error.type", notNullValue())
                .body("error.code", notNullValue())
                .body("keySet()", equalTo(Stream.of("error").collect(Collectors.toSet())));
    }
}
