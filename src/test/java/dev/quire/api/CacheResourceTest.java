package dev.quire.api;

import static io.restassured.RestAssured.given;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.greaterThan;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.engine.InferenceEngine;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.path.json.JsonPath;
import jakarta.inject.Inject;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// What `GET /v1/cache` and `/q/metrics` say of the pool: 32 blocks of 16 tokens, two sequences at once. Other
/// tests' traffic is told apart by looking before and after.
@QuarkusTest
class CacheResourceTest {
    private static final Random RANDOM = new Random();

    @TestHTTPResource
    URL server;

    @Inject
    InferenceEngine engine;

    @BeforeEach
    void idle() {
        assertTrue(engine.awaitReady(20_000));
        Await.until("blocks are back", () -> cache().getInt("blocks.in_use") == 0);
    }

    private static JsonPath cache() {
        return given().get("/v1/cache").then().statusCode(200).extract().jsonPath();
    }

    /// Samples by name and labels, as Prometheus reads them.
    private static Map<String, Double> metrics() {
        Map<String, Double> samples = new TreeMap<>();
        for (String line : given().get("/q/metrics").asString().split("\n")) {
            if (!line.startsWith("#")) {
                int end = line.lastIndexOf(' ');
                samples.put(line.substring(0, end), Double.valueOf(line.substring(end + 1)));
            }
        }
        return samples;
    }

    /// A prompt that no test has sent before.
    private static int[] prompt(int tokens) {
        return RANDOM.ints(tokens, 3, 300).toArray();
    }

    private static String body(int[] prompt, int maxTokens, boolean stream) {
        return "{\"prompt\":" + Arrays.toString(prompt) + ",\"temperature\":0,\"ignore_eos\":true,\"max_tokens\":"
                + maxTokens + ",\"stream\":" + stream + "}";
    }

    private static void complete(int[] prompt, int maxTokens) {
        given().contentType("application/json")
                .body(body(prompt, maxTokens, false))
                .post("/v1/completions")
                .then()
                .statusCode(200);
    }

    @Test
    void cache_idle_isFreeOrCached() {
        given().get("/v1/cache")
                .then()
                .statusCode(200)
                .body("block_size", equalTo(16))
                .body("blocks.total", equalTo(32))
                .body("blocks.in_transit", equalTo(0))
                .body("usage.blocks", equalTo(0f))
                .body("usage.tokens", equalTo(0f))
                .body("tokens_stored", equalTo(0))
                .body("tokens_logical", equalTo(0))
                .body("waste.tokens", equalTo(0))
                .body("waste.percent", equalTo(0f))
                .body("sharing.shared_blocks", equalTo(0))
                .body("sharing.saved_blocks", equalTo(0))
                .body("sequences.running", equalTo(0))
                .body("contiguous.model_length", equalTo(1024))
                .body("contiguous.model.blocks", equalTo(0))
                .body("contiguous.request.sequences_fitting", equalTo(0))
                .body("type", equalTo("f32"))
                .body("block_bytes", greaterThan(0))
                .body("bytes", greaterThan(0));
        JsonPath cache = cache();
        assertEquals(32, cache.getInt("blocks.free") + cache.getInt("blocks.cached"));
    }

    /// 40 tokens: two full blocks are found by the second request, which computes the other 8.
    @Test
    void samePrompt_twice_hitsItsFullBlocks() {
        int[] prompt = prompt(40);
        JsonPath before = cache();
        Map<String, Double> counted = metrics();
        complete(prompt, 2);
        complete(prompt, 2);
        JsonPath after = cache();
        assertEquals(80, after.getInt("prefix_cache.queries") - before.getInt("prefix_cache.queries"));
        assertEquals(32, after.getInt("prefix_cache.hits") - before.getInt("prefix_cache.hits"));
        assertEquals(
                after.getDouble("prefix_cache.hits") / after.getDouble("prefix_cache.queries"),
                after.getDouble("prefix_cache.hit_rate"),
                1e-6);
        assertEquals(80, grown(counted, "quire_prefix_cache_queries_total"));
        assertEquals(32, grown(counted, "quire_prefix_cache_hits_total"));
        assertEquals(48, grown(counted, "quire_prompt_tokens_total"));
    }

    private static double grown(Map<String, Double> before, String name) {
        return metrics().get(name) - before.get(name);
    }

    /// Two at once hold the two full blocks of their prompts once. On a busy machine an answer may be over before
    /// the test has looked; then it tries again.
    @Test
    void samePrefix_atOnce_isHeldOnce() {
        boolean seen = false;
        for (int attempt = 0; attempt < 20 && !seen; attempt++) {
            int[] prompt = prompt(40);
            try (var first = new RawConnection(server);
                    var second = new RawConnection(server)) {
                first.post("/v1/completions", body(prompt, 150, true));
                second.post("/v1/completions", body(prompt, 150, true));
                first.readUntil("data: {");
                second.readUntil("data: {");
                JsonPath cache = cache();
                seen = cache.getInt("sequences.running") == 2;
                if (seen) {
                    assertEquals(2, cache.getInt("sharing.shared_blocks"));
                    assertEquals(2, cache.getInt("sharing.saved_blocks"));
                    assertEquals(32, cache.getInt("tokens_logical") - cache.getInt("tokens_stored"));
                    assertEquals(cache.getInt("tokens_stored") / 512.0, cache.getDouble("usage.tokens"), 1e-6);
                    assertEquals(cache.getInt("blocks.in_use") / 32.0, cache.getDouble("usage.blocks"), 1e-6);
                    assertEquals(128, cache.getInt("contiguous.model.blocks"));
                    assertEquals(0, cache.getInt("contiguous.model.sequences_fitting"));
                    assertEquals(24, cache.getInt("contiguous.request.blocks"));
                    assertEquals(2, cache.getInt("contiguous.request.sequences_fitting"));
                    assertEquals(
                            24 * 16 - cache.getInt("tokens_logical"), cache.getInt("contiguous.request.waste.tokens"));
                }
            }
            idle();
        }
        assertTrue(seen, "two answers must be seen at once");
        assertTrue(cache().getInt("sharing.peak_saved_blocks") >= 2);
        assertTrue(cache().getInt("contiguous.model.peak_blocks") >= 128);
        assertTrue(metrics().get("quire_kv_blocks_saved_peak") >= 2);
    }

    /// Three prompts of 20 blocks do not fit 32.
    @Test
    void longPrompts_oneAfterTheOther_evict() {
        int before = cache().getInt("prefix_cache.evictions");
        Map<String, Double> counted = metrics();
        for (int i = 0; i < 3; i++) {
            complete(prompt(320), 1);
        }
        assertTrue(cache().getInt("prefix_cache.evictions") - before >= 8);
        assertTrue(grown(counted, "quire_kv_evictions_total") >= 8);
        assertTrue(cache().getInt("usage.peak_blocks_in_use") >= 20);
    }

    /// Two of 13 blocks fit the 32, and each gets 19 long. On a busy machine the first may be over before the
    /// second has begun; then the test tries again.
    @Test
    void longAnswers_atOnce_moveToTheSwapSpaceAndBack() {
        Map<String, Double> counted = metrics();
        JsonPath before = cache();
        for (int attempt = 0;
                attempt < 20 && cache().getInt("swap.preemptions") == before.getInt("swap.preemptions");
                attempt++) {
            try (var first = new RawConnection(server);
                    var second = new RawConnection(server)) {
                first.post("/v1/completions", body(prompt(200), 100, true));
                second.post("/v1/completions", body(prompt(200), 100, true));
                first.readUntil("[DONE]");
                second.readUntil("[DONE]");
            }
            idle();
        }
        JsonPath after = cache();
        int swaps = after.getInt("swap.preemptions") - before.getInt("swap.preemptions");
        int out = after.getInt("swap.blocks_out") - before.getInt("swap.blocks_out");
        assertTrue(swaps > 0, "an answer must have been moved");
        assertTrue(out >= 13 * swaps, "blocks_out=" + out + ", preemptions=" + swaps);
        assertEquals(out, after.getInt("swap.blocks_in") - before.getInt("swap.blocks_in"));
        assertTrue(after.getInt("swap.slots") > 32);
        assertEquals(0, after.getInt("swap.used"));
        assertEquals(swaps, grown(counted, "quire_num_swaps_total"));
        assertEquals(out, grown(counted, "quire_swapped_blocks_total{direction=\"out\"}"));
        assertEquals(swaps, after.getInt("sequences.preemptions") - before.getInt("sequences.preemptions"));
    }

    /// Every metric of ours is in the table of docs/metrics.md, and the table has no others.
    @Test
    void metrics_areThoseThatTheDocumentationLists() throws Exception {
        complete(prompt(5), 2);
        var served = new TreeSet<String>();
        for (String line : given().get("/q/metrics").asString().split("\n")) {
            if (line.startsWith("# TYPE quire_")) {
                served.add(line.split(" ")[2].replaceAll("_total$", ""));
            }
        }
        var listed = new TreeSet<String>();
        for (String line : Files.readAllLines(Path.of("docs/metrics.md"))) {
            if (line.startsWith("| `quire_")) {
                listed.add(line.substring(3, line.indexOf('`', 3)).replaceAll("(_total)?(\\{.*)?$", ""));
            }
        }
        served.removeIf(name -> name.endsWith("_seconds_max")); // of the histograms, Micrometer's own
        assertFalse(served.isEmpty());
        assertEquals(listed, served);
    }

    @Test
    void metrics_ofVllmsUsers_areThere() {
        complete(prompt(5), 2);
        String scraped = given().get("/q/metrics").asString();
        for (String name : new String[] {
            "quire_num_requests_running",
            "quire_num_requests_waiting",
            "quire_num_preemptions_total",
            "quire_kv_cache_usage",
            "quire_kv_cache_token_usage",
            "quire_prefix_cache_queries_total",
            "quire_prefix_cache_hits_total",
            "quire_prompt_tokens_total",
            "quire_generation_tokens_total",
            "quire_step_seconds_total{part=\"kernels\"}",
            "quire_kv_blocks{state=\"free\"}",
            "quire_contiguous_blocks{length=\"model\"}",
            "quire_contiguous_sequences_fitting{length=\"request\"}",
            "quire_time_to_first_token_seconds_bucket{le=\"",
            "quire_e2e_request_latency_seconds_bucket{le=\""
        }) {
            assertTrue(containsString(name).matches(scraped), name);
        }
    }

    @Test
    void openApi_saysWhatEachNumberIs() {
        String schemas = "components.schemas.";
        given().get("/q/openapi?format=json")
                .then()
                .statusCode(200)
                .body(schemas + "CacheResponse.properties.tokens_stored.description", containsString("once"))
                .body(schemas + "PrefixCache.properties.hit_rate.description", containsString("queries"))
                .body(schemas + "Blocks.description", containsString("= total"));
    }
}
