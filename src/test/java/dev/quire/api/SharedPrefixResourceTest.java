package dev.quire.api;

import static io.restassured.RestAssured.given;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.engine.Answer;
import dev.quire.engine.InferenceEngine;
import dev.quire.engine.Requests;
import dev.quire.engine.TestSettings;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import jakarta.inject.Inject;
import java.net.URL;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Sixteen clients at once whose prompts begin with the same 1,000 tokens, which nobody has sent before: the server
/// computes them once.
@QuarkusTest
@TestProfile(SharedPrefixResourceTest.RoomForSixteen.class)
class SharedPrefixResourceTest {
    private static final int CLIENTS = 16;
    private static final int SHARED = 1000;
    private static final int OWN = 11;
    private static final int ANSWER = 4;

    private static final Pattern PROMPT_TOKENS =
            Pattern.compile("^quire_prompt_tokens_total(?:\\{.*})? (\\S+)$", Pattern.MULTILINE);

    public static final class RoomForSixteen implements QuarkusTestProfile {
        @Override
        public Map<String, String> getConfigOverrides() {
            return Map.of(
                    "quire.model", "src/test/resources/models/tiny-llama-q4_1.gguf",
                    "quire.backend", "cpu",
                    "quire.cache.blocks", "1024",
                    "quire.batch.sequences", "16",
                    "quire.queue.capacity", "16");
        }
    }

    @TestHTTPResource
    URL server;

    @Inject
    InferenceEngine engine;

    @BeforeEach
    void ready() {
        assertTrue(engine.awaitReady(20_000));
    }

    /// Whole blocks are shared: at most 15 tokens of the prefix are each client's own.
    @Test
    void sixteenAtOnce_computeTheirPrefixOnce() {
        long before = promptTokens();
        List<RawConnection> connections = new ArrayList<>();
        for (int[] prompt : prompts(1)) {
            connections.add(new RawConnection(server));
            connections
                    .getLast()
                    .post(
                            "/v1/completions",
                            "{\"ignore_eos\":true,\"stream\":true,\"max_tokens\":" + ANSWER + ",\"prompt\":"
                                    + Arrays.toString(prompt) + "}");
        }
        for (RawConnection connection : connections) {
            String response = connection.readUntil("[DONE]\n\n");
            assertTrue(response.contains("\"finish_reason\":\"length\""), response);
            connection.close();
        }
        Await.until("the engine is idle", () -> engine.stats().running() == 0);
        long computed = promptTokens() - before;
        assertTrue(computed <= SHARED + CLIENTS * (OWN + 15), "promptTokens=" + computed);
        assertTrue(computed >= SHARED + CLIENTS * OWN, "promptTokens=" + computed);
    }

    @Test
    void sixteenAtOnce_withoutSharing_computeItSixteenTimes() {
        var settings = TestSettings.of(
                "quire.cache.prefix", "off", "quire.cache.blocks", "1024", "quire.batch.sequences", "16");
        try (var unshared = InferenceEngine.start(settings)) {
            assertTrue(unshared.awaitReady(20_000));
            List<Answer> answers = prompts(2).stream()
                    .map(prompt -> Answer.to(unshared, Requests.greedy(prompt, ANSWER)))
                    .toList();
            answers.forEach(Answer::await);
            Await.until("the engine is idle", () -> unshared.stats().running() == 0);
            assertEquals(CLIENTS * (SHARED + OWN), unshared.stats().promptTokens());
        }
    }

    private static List<int[]> prompts(int seed) {
        int[] shared = Requests.prompt(seed, SHARED, 300);
        return IntStream.range(0, CLIENTS)
                .mapToObj(i -> IntStream.concat(
                                IntStream.of(shared), IntStream.of(Requests.prompt(1000L * seed + i, OWN, 300)))
                        .toArray())
                .toList();
    }

    private static long promptTokens() {
        Matcher line = PROMPT_TOKENS.matcher(given().get("/q/metrics").asString());
        assertTrue(line.find(), "quire_prompt_tokens_total must be there");
        return (long) Double.parseDouble(line.group(1));
    }
}
