package dev.quire.api;

import static io.restassured.RestAssured.given;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.everyItem;
import static org.hamcrest.Matchers.greaterThan;
import static org.hamcrest.Matchers.hasSize;
import static org.hamcrest.Matchers.nullValue;
import static org.hamcrest.Matchers.startsWith;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.engine.EngineStats;
import dev.quire.engine.InferenceEngine;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import io.restassured.path.json.JsonPath;
import io.restassured.response.ValidatableResponse;
import jakarta.inject.Inject;
import java.net.URL;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// `n`, `best_of` and `cache_salt`.
@QuarkusTest
@TestProfile(ChoicesResourceTest.EightAtOnce.class)
class ChoicesResourceTest {
    public static final class EightAtOnce implements QuarkusTestProfile {
        @Override
        public Map<String, String> getConfigOverrides() {
            return Map.of("quire.batch.sequences", "8", "quire.cache.blocks", "64");
        }
    }

    private static final String COMPLETIONS = "/v1/completions";
    private static final String CHAT = "/v1/chat/completions";
    private static final String PROMPT = "\"prompt\":\"When the blocks\",\"ignore_eos\":true,";
    private static final String TALK =
            "\"messages\":[{\"role\":\"user\",\"content\":\"the blocks\"}],\"ignore_eos\":true,";

    @TestHTTPResource
    URL server;

    @Inject
    InferenceEngine engine;

    @BeforeEach
    void ready() {
        assertTrue(engine.awaitReady(20_000));
        Await.until("the engine is idle", this::isIdle);
    }

    @Test
    void completions_areThoseOfThreeRequestsWithTheNextSeeds() {
        String fields = PROMPT + "\"max_tokens\":20,\"logprobs\":1,";
        JsonPath three = json(post(COMPLETIONS, fields + "\"seed\":7,\"n\":3"));
        assertEquals(List.of(0, 1, 2), three.getList("choices.index"));
        for (int i = 0; i < 3; i++) {
            JsonPath alone = json(post(COMPLETIONS, fields + "\"seed\":" + (7 + i)));
            assertEquals(alone.getString("choices[0].text"), three.getString("choices[" + i + "].text"));
            for (String list : List.of("tokens", "token_logprobs", "top_logprobs")) {
                assertEquals(
                        alone.getList("choices[0].logprobs." + list),
                        three.getList("choices[" + i + "].logprobs." + list));
            }
        }
        assertNotEquals(three.getString("choices[0].text"), three.getString("choices[1].text"));
        assertEquals(60, three.getInt("usage.completion_tokens"));
        int promptTokens = three.getInt("usage.prompt_tokens");
        assertEquals(json(post(COMPLETIONS, fields + "\"seed\":7")).getInt("usage.prompt_tokens"), promptTokens);
        assertEquals(60 + promptTokens, three.getInt("usage.total_tokens"));
    }

    @Test
    void chats_areThoseOfThreeRequestsWithTheNextSeeds() {
        String fields = TALK + "\"max_tokens\":20,\"logprobs\":true,\"top_logprobs\":1,";
        JsonPath three = json(post(CHAT, fields + "\"seed\":-1,\"n\":3"));
        assertEquals(List.of(0, 1, 2), three.getList("choices.index"));
        assertEquals(List.of("assistant", "assistant", "assistant"), three.getList("choices.message.role"));
        for (int i = 0; i < 3; i++) {
            JsonPath alone = json(post(CHAT, fields + "\"seed\":" + (i - 1)));
            String choice = "choices[" + i + "].";
            assertEquals(alone.getString("choices[0].message.content"), three.getString(choice + "message.content"));
            assertEquals(alone.getList("choices[0].logprobs.content"), three.getList(choice + "logprobs.content"));
        }
        assertEquals(60, three.getInt("usage.completion_tokens"));
    }

    @Test
    void completionsStreamed_sayTheSame_eachChunkNamingItsChoice() {
        String fields = PROMPT + "\"max_tokens\":20,\"seed\":7,\"n\":3";
        JsonPath whole = json(post(COMPLETIONS, fields));
        List<String> events =
                Events.of(post(COMPLETIONS, fields + ",\"stream\":true,\"stream_options\":{\"include_usage\":true}"));
        List<String> texts = texts(events, "choices[0].text");
        assertEquals(whole.getList("choices.text"), texts);
        assertOneUsageAtTheEnd(events, whole);
    }

    @Test
    void chatsStreamed_beginWithTheRoleOfEachChoice_andSayTheSame() {
        String fields = TALK + "\"max_tokens\":20,\"seed\":7,\"n\":3";
        JsonPath whole = json(post(CHAT, fields));
        List<String> events =
                Events.of(post(CHAT, fields + ",\"stream\":true,\"stream_options\":{\"include_usage\":true}"));
        for (int i = 0; i < 3; i++) {
            var opening = new JsonPath(events.get(i));
            assertEquals(i, opening.getInt("choices[0].index"));
            assertEquals("assistant", opening.getString("choices[0].delta.role"));
        }
        assertEquals(whole.getList("choices.message.content"), texts(events, "choices[0].delta.content"));
        assertOneUsageAtTheEnd(events, whole);
    }

    /// The text of each of three choices; one reason each, after which nothing comes.
    private static List<String> texts(List<String> events, String path) {
        var texts = List.of(new StringBuilder(), new StringBuilder(), new StringBuilder());
        var reasons = new ArrayList<>(List.of(0, 0, 0));
        for (String event : events.subList(0, events.size() - 2)) {
            var chunk = new JsonPath(event);
            assertEquals(1, chunk.getList("choices").size());
            int choice = chunk.getInt("choices[0].index");
            assertEquals(0, reasons.get(choice), event);
            String piece = chunk.getString(path);
            texts.get(choice).append(piece == null ? "" : piece);
            if (chunk.get("choices[0].finish_reason") != null) {
                assertEquals("length", chunk.getString("choices[0].finish_reason"));
                reasons.set(choice, 1);
            }
        }
        assertEquals(List.of(1, 1, 1), reasons);
        return texts.stream().map(StringBuilder::toString).toList();
    }

    private static void assertOneUsageAtTheEnd(List<String> events, JsonPath whole) {
        assertEquals("[DONE]", events.getLast());
        var usage = new JsonPath(events.get(events.size() - 2));
        assertEquals(List.of(), usage.getList("choices"));
        assertEquals(whole.getInt("usage.total_tokens"), usage.getInt("usage.total_tokens"));
        assertEquals(
                1,
                events.stream().filter(event -> event.contains("\"usage\":{")).count());
        assertEquals(1, events.stream().filter("[DONE]"::equals).count());
    }

    @Test
    void prompt_isComputedOnce() {
        String salted = PROMPT + "\"max_tokens\":2,\"cache_salt\":\"once\",";
        long before = engine.stats().promptTokens();
        int promptTokens = json(post(COMPLETIONS, salted + "\"n\":8")).getInt("usage.prompt_tokens");
        Await.until("the engine is idle", this::isIdle);
        assertEquals(promptTokens, engine.stats().promptTokens() - before);
    }

    @Test
    void cachedTokens_areThoseOfARepeatedPrompt_ofTheSameSalt() {
        String prompt = "\"prompt\":\"" + "one two ".repeat(20) + "\",\"max_tokens\":1,";
        String salted = prompt + "\"cache_salt\":\"cached\",";
        assertEquals(0, cached(post(COMPLETIONS, salted + "\"n\":1")));
        int cached = cached(post(COMPLETIONS, salted + "\"n\":1"));
        assertTrue(cached >= 16, "cached=" + cached);
        assertEquals(cached, cached(post(COMPLETIONS, salted + "\"n\":3")));
        assertEquals(0, cached(post(COMPLETIONS, prompt + "\"cache_salt\":\"other\"")));
        List<String> events =
                Events.of(post(COMPLETIONS, salted + "\"stream\":true,\"stream_options\":{\"include_usage\":true}"));
        assertTrue(
                events.get(events.size() - 2).contains("\"cached_tokens\":" + cached), events.get(events.size() - 2));
        String talk =
                "\"messages\":[{\"role\":\"user\",\"content\":\"" + "a b c ".repeat(20) + "\"}],\"max_tokens\":1,";
        assertEquals(0, cached(post(CHAT, talk + "\"cache_salt\":\"cached\"")));
        assertTrue(cached(post(CHAT, talk + "\"cache_salt\":\"cached\"")) >= 16);
    }

    private static int cached(ValidatableResponse response) {
        return json(response).getInt("usage.prompt_tokens_details.cached_tokens");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void bestOf_returnsTheLikeliest_bestFirst(int n) {
        String fields = PROMPT + "\"max_tokens\":12,\"seed\":3,\"temperature\":1.5,";
        JsonPath all = json(post(COMPLETIONS, fields + "\"n\":8,\"logprobs\":0"));
        List<String> expected = IntStream.range(0, 8)
                .boxed()
                .sorted(Comparator.comparingDouble(
                        i -> -mean(all.getList("choices[" + i + "].logprobs.token_logprobs"))))
                .limit(n)
                .map(i -> all.getString("choices[" + i + "].text"))
                .toList();
        JsonPath best = json(post(COMPLETIONS, fields + "\"best_of\":8,\"n\":" + n)
                .body("choices.logprobs", everyItem(nullValue())));
        assertEquals(expected, best.getList("choices.text"));
        assertEquals(IntStream.range(0, n).boxed().toList(), best.getList("choices.index"));
        assertEquals(96, best.getInt("usage.completion_tokens"));
        JsonPath shown = json(post(COMPLETIONS, fields + "\"best_of\":8,\"logprobs\":2,\"n\":" + n));
        assertEquals(expected, shown.getList("choices.text"));
        assertEquals(12, shown.getList("choices[0].logprobs.token_logprobs").size());
    }

    private static double mean(List<Number> logprobs) {
        return logprobs.stream().mapToDouble(Number::doubleValue).average().orElseThrow();
    }

    /// Nothing is left out, so nothing is sorted: whole and streamed agree.
    @Test
    void bestOf_equalToN_changesNothing() {
        String fields = PROMPT + "\"max_tokens\":12,\"seed\":3,\"n\":3";
        List<String> texts = json(post(COMPLETIONS, fields)).getList("choices.text");
        assertEquals(texts, json(post(COMPLETIONS, fields + ",\"best_of\":3")).getList("choices.text"));
        assertEquals(
                texts,
                texts(
                        Events.of(post(
                                COMPLETIONS,
                                fields + ",\"best_of\":3,\"stream\":true,"
                                        + "\"stream_options\":{\"include_usage\":true}")),
                        "choices[0].text"));
    }

    @Test
    void greedyChoices_areTheSame() {
        List<String> texts = json(post(COMPLETIONS, PROMPT + "\"max_tokens\":9,\"temperature\":0,\"n\":4"))
                .getList("choices.text");
        assertEquals(4, texts.size());
        assertEquals(1, texts.stream().distinct().count());
    }

    @Test
    void seed_absent_drawsEveryChoiceAnew() {
        String fields = PROMPT + "\"max_tokens\":20,\"temperature\":2,\"n\":3";
        List<String> texts = json(post(COMPLETIONS, fields)).getList("choices.text");
        assertEquals(3, texts.stream().distinct().count());
        assertNotEquals(texts, json(post(COMPLETIONS, fields)).getList("choices.text"));
    }

    @Test
    void echo_withLogprobs_beginsEveryChoiceWithThePrompt() {
        post(COMPLETIONS, PROMPT + "\"max_tokens\":3,\"echo\":true,\"logprobs\":1,\"n\":3")
                .body("choices", hasSize(3))
                .body("choices.text", everyItem(startsWith("When the blocks")))
                .body("choices.logprobs.token_logprobs", everyItem(hasSize(greaterThan(3))))
                .body("choices[2].logprobs.token_logprobs[0]", nullValue())
                .body("choices[2].logprobs.tokens[0]", equalTo("When"));
        post(COMPLETIONS, PROMPT + "\"max_tokens\":0,\"echo\":true,\"n\":2,\"best_of\":3")
                .body("choices.text", contains("When the blocks", "When the blocks"))
                .body("usage.completion_tokens", equalTo(0));
        List<String> events = Events.of(
                post(COMPLETIONS, PROMPT + "\"max_tokens\":3,\"echo\":true,\"n\":3,\"stream\":true,\"logprobs\":0"));
        long echoes = events.stream()
                .filter(event -> event.contains("\"text\":\"When the blocks\""))
                .count();
        assertEquals(3, echoes);
    }

    @Test
    void stop_endsItsChoiceOnly() {
        String fields = PROMPT + "\"max_tokens\":30,\"seed\":5,\"n\":3";
        List<String> free = json(post(COMPLETIONS, fields)).getList("choices.text");
        String stop = IntStream.range(0, free.get(1).length() - 2)
                .mapToObj(at -> free.get(1).substring(at, at + 2))
                .filter(piece -> piece.matches("[a-z ]+"))
                .filter(piece -> !free.get(0).contains(piece) && !free.get(2).contains(piece))
                .findFirst()
                .orElseThrow();
        JsonPath stopped = json(post(COMPLETIONS, fields + ",\"stop\":\"" + stop + "\""));
        assertEquals(List.of("length", "stop", "length"), stopped.getList("choices.finish_reason"));
        assertEquals(
                List.of(free.get(0), free.get(1).substring(0, free.get(1).indexOf(stop)), free.get(2)),
                stopped.getList("choices.text"));
        assertTrue(stopped.getInt("usage.completion_tokens") < 90);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void disconnect_cancelsEveryChoice(boolean stream) {
        long cancelled;
        int attempts = 0;
        do {
            assertTrue(attempts++ < 20, "a request must be cancelled at last");
            EngineStats before = engine.stats();
            cancelled = before.cancelled();
            try (var connection = new RawConnection(server)) {
                connection.post(COMPLETIONS, "{" + PROMPT + "\"max_tokens\":400,\"n\":8,\"stream\":" + stream + "}");
                Await.until("it runs, or ran", () -> engine.stats().running() > 0 || ended() > ended(before));
            }
            Await.until("nothing is left", this::isIdle);
        } while (engine.stats().cancelled() == cancelled);
        assertEquals(cancelled + 1, engine.stats().cancelled());
    }

    @Test
    void metrics_countARequestOnce() {
        double before = latencies();
        long finished = engine.stats().finished();
        post(COMPLETIONS, PROMPT + "\"max_tokens\":3,\"n\":4").statusCode(200);
        Await.until("it is counted", () -> engine.stats().finished() > finished);
        assertEquals(finished + 1, engine.stats().finished());
        assertEquals(before + 1, latencies());
        assertFalse(engine.stats().failed() > 0);
    }

    private static double latencies() {
        return given().get("/q/metrics")
                .asString()
                .lines()
                .filter(line -> line.startsWith("quire_e2e_request_latency_seconds_count"))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
                .sum();
    }

    private long ended() {
        return ended(engine.stats());
    }

    private static long ended(EngineStats stats) {
        return stats.finished() + stats.cancelled();
    }

    private boolean isIdle() {
        EngineStats stats = engine.stats();
        return stats.running() == 0
                && stats.waiting() == 0
                && stats.inUse() == 0
                && stats.free() + stats.cached() == stats.blocks();
    }

    private static JsonPath json(ValidatableResponse response) {
        return response.statusCode(200).extract().jsonPath();
    }

    private static ValidatableResponse post(String path, String fields) {
        String end = fields.endsWith(",") ? fields.substring(0, fields.length() - 1) : fields;
        return given().contentType("application/json")
                .body("{" + end + "}")
                .post(path)
                .then()
                .statusCode(200);
    }
}
