package dev.quire.api;

import static io.restassured.RestAssured.given;
import static org.hamcrest.Matchers.equalTo;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.engine.InferenceEngine;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.path.json.JsonPath;
import jakarta.inject.Inject;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// `POST /v1/cache/compact`, and what `GET /v1/cache` says of fragmentation: 32 blocks of 16 tokens, two sequences at
/// once.
@QuarkusTest
class CompactionResourceTest {
    private static final Random RANDOM = new Random();

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

    private static JsonPath compact() {
        return given().post("/v1/cache/compact")
                .then()
                .statusCode(200)
                .extract()
                .jsonPath();
    }

    private static String complete(int[] prompt, int maxTokens) {
        return given().contentType("application/json")
                .body("{\"prompt\":" + Arrays.toString(prompt)
                        + ",\"temperature\":0,\"ignore_eos\":true,\"max_tokens\":" + maxTokens + "}")
                .post("/v1/completions")
                .then()
                .statusCode(200)
                .extract()
                .path("choices[0].text");
    }

    /// Nobody holds a block, so nothing lies apart, however many are cached.
    @Test
    void idleServer_isNotFragmented_andSaysSo() {
        complete(RANDOM.ints(40, 3, 300).toArray(), 2);
        idle();
        given().get("/v1/cache")
                .then()
                .statusCode(200)
                .body("fragmentation.ratio", equalTo(0f))
                .body("fragmentation.longest_free_run", equalTo(32))
                .body("fragmentation.reserved.tokens", equalTo(0))
                .body("fragmentation.internal.bytes", equalTo(0))
                .body("fragmentation.external.tokens", equalTo(0))
                .body("compaction.relocations", equalTo(0));
        given().post("/v1/cache/compact")
                .then()
                .statusCode(200)
                .body("object", equalTo("cache.compaction"))
                .body("compacted", equalTo(false))
                .body("reason", equalTo("fragmentation must be above the threshold: fragmentation=0.0, threshold=0.3"))
                .body("threshold", equalTo(0.3f))
                .body("fragmentation.before", equalTo(0f))
                .body("fragmentation.after", equalTo(0f))
                .body("blocks_moved", equalTo(0))
                .body("cached_blocks_evicted", equalTo(0));
        given().get("/v1/cache/compact").then().statusCode(405);
    }

    /// Compactions are asked for all the time while answers are made, until one has moved something: not one answer
    /// changes.
    @Test
    void answers_areTheSame_whateverIsMovedMeanwhile() {
        int[] long1 = RANDOM.ints(30, 3, 300).toArray();
        String expected = complete(long1, 150);
        boolean moved = false;
        for (int tries = 0; !moved && tries < 50; tries++) {
            var answer = CompletableFuture.supplyAsync(() -> complete(long1, 150));
            while (!answer.isDone()) {
                complete(RANDOM.ints(100, 3, 300).toArray(), 1);
                JsonPath compaction = compact();
                moved |= compaction.getLong("blocks_moved") > 0;
                if (compaction.getBoolean("compacted")) {
                    assertTrue(compaction.getDouble("fragmentation.before") > 0.3);
                    assertNull(compaction.get("reason"));
                }
            }
            assertEquals(expected, answer.join());
        }
        assertTrue(moved, "a compaction must have moved something");
        idle();
        JsonPath cache = cache();
        assertTrue(cache.getLong("compaction.compactions") > 0);
        assertTrue(cache.getLong("compaction.blocks_moved") > 0);
        String metrics = given().get("/q/metrics").asString();
        for (String name : new String[] {
            "quire_kv_wasted_tokens{kind=\"reserved\"",
            "quire_kv_fragmentation",
            "quire_kv_compactions_total",
            "quire_kv_blocks_moved_total",
            "quire_contiguous_relocations_total",
            "quire_contiguous_runs_missed_total",
            "quire_contiguous_runs_outgrown_total"
        }) {
            assertTrue(metrics.contains(name), name);
        }
    }
}
