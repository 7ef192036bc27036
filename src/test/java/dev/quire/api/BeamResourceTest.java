package dev.quire.api;

import static io.restassured.RestAssured.given;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.everyItem;
import static org.hamcrest.Matchers.hasKey;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.startsWith;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.engine.EngineStats;
import dev.quire.engine.InferenceEngine;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.TestProfile;
import io.restassured.path.json.JsonPath;
import io.restassured.response.ValidatableResponse;
import jakarta.inject.Inject;
import java.net.URL;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// `use_beam_search` and what goes with it, on both endpoints.
@QuarkusTest
@TestProfile(ChoicesResourceTest.EightAtOnce.class)
class BeamResourceTest {
    private static final String COMPLETIONS = "/v1/completions";
    private static final String CHAT = "/v1/chat/completions";
    private static final String PROMPT = "\"prompt\":\"When the blocks\",\"max_tokens\":10,\"ignore_eos\":true,";
    private static final String TALK =
            "\"messages\":[{\"role\":\"user\",\"content\":\"the blocks\"}],\"max_tokens\":10,\"ignore_eos\":true,";
    private static final String SEARCH = "\"use_beam_search\":true,";

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
    void completions_areTheBestOfTheSearch_bestFirst() {
        JsonPath best = json(post(COMPLETIONS, PROMPT + SEARCH + "\"beam_width\":5,\"n\":3"));
        assertEquals(List.of(0, 1, 2), best.getList("choices.index"));
        assertEquals(List.of("length", "length", "length"), best.getList("choices.finish_reason"));
        assertEquals(30, best.getInt("usage.completion_tokens"));
        List<Float> scores = best.getList("choices.score", Float.class);
        assertTrue(scores.get(0) > scores.get(1) && scores.get(1) > scores.get(2) && scores.get(0) < 0, "" + scores);
        JsonPath all = json(post(COMPLETIONS, PROMPT + SEARCH + "\"beam_width\":5,\"n\":5"));
        assertEquals(all.getList("choices.text").subList(0, 3), best.getList("choices.text"));
    }

    @Test
    void chats_areTheBestOfTheSearch_bestFirst() {
        JsonPath best = json(post(CHAT, TALK + SEARCH + "\"beam_width\":4,\"n\":2"));
        assertEquals(List.of("assistant", "assistant"), best.getList("choices.message.role"));
        assertEquals(20, best.getInt("usage.completion_tokens"));
        List<Float> scores = best.getList("choices.score", Float.class);
        assertTrue(scores.get(0) > scores.get(1), "" + scores);
        JsonPath four = json(post(CHAT, TALK + SEARCH + "\"n\":4"));
        assertEquals(four.getList("choices.message.content").subList(0, 2), best.getList("choices.message.content"));
    }

    /// Without `max_tokens`: what the context and a pool of 64 blocks have room for in three beams.
    @Test
    void chats_withoutMaxTokens_takeWhatEveryBeamHasRoomFor() {
        String talk = TALK.replace("\"max_tokens\":10,", "");
        int promptTokens = json(post(CHAT, TALK + SEARCH)).getInt("usage.prompt_tokens");
        int once = promptTokens / 16;
        int tokens = 16 * (once + (64 - once) / 3) + 1 - promptTokens;
        JsonPath answer = json(post(CHAT, talk + SEARCH + "\"beam_width\":3"));
        int context = engine.model().orElseThrow().contextLength();
        assertEquals(Math.min(tokens, context - promptTokens), answer.getInt("usage.completion_tokens"));
    }

    @Test
    void width_isBeamWidth_elseBestOf_elseN() {
        String two = PROMPT + SEARCH + "\"n\":2,";
        List<String> texts = json(post(COMPLETIONS, two + "\"beam_width\":6")).getList("choices.text");
        assertEquals(texts, json(post(COMPLETIONS, two + "\"best_of\":6")).getList("choices.text"));
        assertEquals(
                texts,
                json(post(COMPLETIONS, two + "\"best_of\":6,\"beam_width\":6")).getList("choices.text"));
        assertEquals(
                json(post(COMPLETIONS, two + "\"beam_width\":2")).getList("choices.score"),
                json(post(COMPLETIONS, two)).getList("choices.score"));
        String one = json(post(COMPLETIONS, PROMPT + SEARCH)).getString("choices[0].text");
        assertEquals(
                json(post(COMPLETIONS, PROMPT + "\"temperature\":0")).getString("choices[0].text"),
                one,
                "one beam is greedy");
    }

    @Test
    void neutralParameters_areTaken() {
        String search = PROMPT + SEARCH + "\"beam_width\":3,";
        String text = json(post(COMPLETIONS, search)).getString("choices[0].text");
        for (String neutral : List.of(
                "\"temperature\":0",
                "\"temperature\":1,\"seed\":5",
                "\"top_p\":1,\"top_k\":-1,\"min_p\":0",
                "\"presence_penalty\":0,\"frequency_penalty\":0,\"repetition_penalty\":1",
                "\"logit_bias\":{},\"stop\":[]",
                "\"length_penalty\":1.0,\"early_stopping\":false")) {
            assertEquals(text, json(post(COMPLETIONS, search + neutral)).getString("choices[0].text"), neutral);
        }
        post(COMPLETIONS, PROMPT + "\"use_beam_search\":false,\"length_penalty\":1,\"early_stopping\":false");
    }

    /// Every answer is as long, so its exponent scales scores and changes no order.
    @Test
    void lengthPenalty_divides() {
        String search = PROMPT + SEARCH + "\"beam_width\":3,";
        float sum = json(post(COMPLETIONS, search + "\"length_penalty\":0")).getFloat("choices[0].score");
        float mean = json(post(COMPLETIONS, search + "\"early_stopping\":true")).getFloat("choices[0].score");
        assertEquals(sum / 10, mean, 1e-5);
        assertEquals(
                sum * 100,
                json(post(COMPLETIONS, search + "\"length_penalty\":-2")).getFloat("choices[0].score"),
                1e-2);
    }

    @ParameterizedTest
    @CsvSource({COMPLETIONS + ", choices[0].text", CHAT + ", choices[0].delta.content"})
    void streamed_saysTheSame_withTheScoreAtTheEnd(String path, String text) {
        String fields = (path.equals(CHAT) ? TALK : PROMPT) + SEARCH + "\"beam_width\":4,\"n\":2,";
        JsonPath whole = json(post(path, fields));
        List<String> events = Events.of(post(path, fields + "\"stream\":true"));
        assertEquals("[DONE]", events.getLast());
        for (int i = 0; i < 2; i++) {
            var said = new StringBuilder();
            Float score = null;
            for (String event : events.subList(0, events.size() - 1)) {
                var chunk = new JsonPath(event);
                if (chunk.getInt("choices[0].index") == i) {
                    said.append(chunk.getString(text) == null ? "" : chunk.getString(text));
                    boolean last = chunk.get("choices[0].finish_reason") != null;
                    assertEquals(last, event.contains("\"score\""), event);
                    score = last ? (Float) chunk.getFloat("choices[0].score") : score;
                }
            }
            String choice = "choices[" + i + "].";
            assertEquals(whole.getString(choice + (path.equals(CHAT) ? "message.content" : "text")), said.toString());
            assertEquals(whole.getFloat(choice + "score"), score);
        }
    }

    @Test
    void echo_beginsEveryAnswerWithThePrompt() {
        post(COMPLETIONS, PROMPT + SEARCH + "\"n\":2,\"echo\":true")
                .body("choices.text", everyItem(startsWith("When the blocks")));
    }

    @Test
    void drawnChoices_haveNoScore() {
        post(COMPLETIONS, PROMPT).body("choices[0]", not(hasKey("score")));
        post(CHAT, TALK).body("choices[0]", not(hasKey("score")));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "beam_width | 'beam_width': 2 | beam_width must only be given with use_beam_search: beam_width=2, "
                        + "use_beam_search=false",
                "length_penalty | 'length_penalty': 2 | length_penalty must only be given with use_beam_search: "
                        + "length_penalty=2, use_beam_search=false",
                "early_stopping | 'early_stopping': 'never' | early_stopping must only be given with use_beam_search: "
                        + "early_stopping=\"never\", use_beam_search=false",
                "early_stopping | 'early_stopping': 'always' | early_stopping must be true, false or \"never\": "
                        + "early_stopping=\"always\"",
                "use_beam_search | 'use_beam_search': 1 | use_beam_search must be true or false: use_beam_search=1",
            })
    void withoutASearch_refusals(String param, String fields, String message) {
        refused(COMPLETIONS, PROMPT + fields.replace('\'', '"'), param, message);
        refused(CHAT, TALK + fields.replace('\'', '"'), param, message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "beam_width | 'beam_width': 0 | beam_width must be between 1 and 16: beam_width=0",
                "beam_width | 'beam_width': 17 | beam_width must be between 1 and 16: beam_width=17",
                "beam_width | 'n': 20 | beam_width must be between 1 and 16: beam_width=20",
                "beam_width | 'beam_width': 2.5 | beam_width must be an integer: beam_width=2.5",
                "beam_width | 'beam_width': 2, 'n': 3 | beam_width must be at least n: beam_width=2, n=3",
                "beam_width | 'beam_width': 12 | beam_width must be at most the sequences that run at once: "
                        + "beam_width=12, quire.batch.sequences=8",
                "length_penalty | 'length_penalty': 1e99 | length_penalty must be finite: length_penalty=Infinity",
                "length_penalty | 'length_penalty': 'x' | length_penalty must be a number: length_penalty=\"x\"",
                "temperature | 'temperature': 0.5 | temperature must be 0 or 1, or left out, with use_beam_search: "
                        + "temperature=0.5",
                "top_p | 'top_p': 0.5 | top_p must be 1, or left out, with use_beam_search: top_p=0.5",
                "top_k | 'top_k': 5 | top_k must be 0, or left out, with use_beam_search: top_k=5.0",
                "min_p | 'min_p': 0.5 | min_p must be 0, or left out, with use_beam_search: min_p=0.5",
                "presence_penalty | 'presence_penalty': 1 | presence_penalty must be 0, or left out, with "
                        + "use_beam_search: presence_penalty=1.0",
                "frequency_penalty | 'frequency_penalty': 1 | frequency_penalty must be 0, or left out, with "
                        + "use_beam_search: frequency_penalty=1.0",
                "repetition_penalty | 'repetition_penalty': 2 | repetition_penalty must be 1, or left out, with "
                        + "use_beam_search: repetition_penalty=2.0",
                "logit_bias | 'logit_bias': {'5': 1} | logit_bias must not be given with use_beam_search: "
                        + "logit_bias.size=1",
                "stop | 'stop': ['a', 'b'] | stop must not be given with use_beam_search: stop.length=2",
            })
    void withASearch_refusals(String param, String fields, String message) {
        refused(COMPLETIONS, PROMPT + SEARCH + fields.replace('\'', '"'), param, message);
        refused(CHAT, TALK + SEARCH + fields.replace('\'', '"'), param, message);
    }

    @Test
    void withASearch_refusalsOfOneEndpoint() {
        refused(
                COMPLETIONS,
                PROMPT + SEARCH + "\"logprobs\":2",
                "logprobs",
                "logprobs must not be given with use_beam_search: logprobs=2");
        refused(
                CHAT,
                TALK + SEARCH + "\"logprobs\":true",
                "logprobs",
                "logprobs must not be given with use_beam_search: logprobs=0");
        refused(
                COMPLETIONS,
                PROMPT + SEARCH + "\"beam_width\":3,\"best_of\":4",
                "best_of",
                "best_of must be beam_width with use_beam_search: best_of=4, beam_width=3");
        refused(
                COMPLETIONS,
                PROMPT.replace("\"max_tokens\":10", "\"max_tokens\":0") + SEARCH + "\"echo\":true",
                "max_tokens",
                "max_tokens must be at least 1: max_tokens=0");
    }

    /// Of 419 stored tokens the prompt's one full block is held once, and 26 more blocks for each beam.
    @Test
    void searchThatCanNeverFit_isRefusedWithTheNumbers() {
        String tokens = "\"prompt\":[" + "5,".repeat(19) + "5],\"max_tokens\":400,\"ignore_eos\":true,";
        refused(
                COMPLETIONS,
                tokens + SEARCH + "\"beam_width\":3",
                "max_tokens",
                "prompt and answer must fit the block pool: needed_blocks=" + (1 + 3 * 26)
                        + ", blocks=64, block_size=16");
        post(COMPLETIONS, tokens.replace("400", "100") + SEARCH + "\"beam_width\":3");
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void disconnect_cancelsTheSearch(boolean stream) {
        long cancelled;
        int attempts = 0;
        do {
            assertTrue(attempts++ < 20, "a request must be cancelled at last");
            EngineStats before = engine.stats();
            cancelled = before.cancelled();
            try (var connection = new RawConnection(server)) {
                connection.post(
                        COMPLETIONS,
                        "{" + PROMPT.replace("10", "200") + SEARCH + "\"beam_width\":4,\"n\":3,\"stream\":" + stream
                                + "}");
                Await.until("it runs, or ran", () -> engine.stats().running() > 0 || ended() > ended(before));
            }
            Await.until("nothing is left", this::isIdle);
        } while (engine.stats().cancelled() == cancelled);
        assertEquals(cancelled + 1, engine.stats().cancelled());
    }

    @Test
    void metrics_countARequestOnce() {
        long finished = engine.stats().finished();
        post(COMPLETIONS, PROMPT + SEARCH + "\"beam_width\":4,\"n\":3");
        Await.until("it is counted", () -> engine.stats().finished() > finished);
        Await.until("the engine is idle", this::isIdle);
        assertEquals(finished + 1, engine.stats().finished());
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
        return send(path, fields).statusCode(200);
    }

    private static void refused(String path, String fields, String param, String message) {
        send(path, fields)
                .statusCode(400)
                .body("error.message", equalTo(message))
                .body("error.param", equalTo(param));
    }

    private static ValidatableResponse send(String path, String fields) {
        String end = fields.endsWith(",") ? fields.substring(0, fields.length() - 1) : fields;
        return given().contentType("application/json")
                .body("{" + end + "}")
                .post(path)
                .then();
    }
}
