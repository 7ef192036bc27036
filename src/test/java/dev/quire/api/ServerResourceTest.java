package dev.quire.api;

import static io.restassured.RestAssured.given;
import static org.hamcrest.MatcherAssert.assertThat;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.greaterThan;
import static org.hamcrest.Matchers.hasItem;
import static org.hamcrest.Matchers.hasItems;
import static org.hamcrest.Matchers.hasSize;
import static org.hamcrest.Matchers.notNullValue;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.engine.InferenceEngine;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// The endpoints that say something about the server, its model and its tokens.
@QuarkusTest
class ServerResourceTest {
    @Inject
    InferenceEngine engine;

    @BeforeEach
    void ready() {
        assertTrue(engine.awaitReady(20_000));
    }

    @Test
    void models_listTheOne() {
        given().get("/v1/models")
                .then()
                .statusCode(200)
                .body("object", equalTo("list"))
                .body("data", hasSize(1))
                .body("data[0].id", equalTo("tiny-llama-f32"))
                .body("data[0].object", equalTo("model"))
                .body("data[0].created", greaterThan(0))
                .body("data[0].max_model_len", equalTo(1024));
        given().get("/v1/models/tiny-llama-f32").then().statusCode(200).body("id", equalTo("tiny-llama-f32"));
    }

    @Test
    void tokenize_andBack_isTheText() {
        int[] tokens = given().contentType("application/json")
                .body("{\"prompt\":\"When the blocks ☃\",\"model\":\"tiny-llama-f32\"}")
                .post("/tokenize")
                .then()
                .statusCode(200)
                .body("count", greaterThan(3))
                .body("max_model_len", equalTo(1024))
                .extract()
                .as(TokenizeResponse.class)
                .tokens();
        given().contentType("application/json")
                .body(new Detokenize(tokens))
                .post("/detokenize")
                .then()
                .statusCode(200)
                .body("prompt", equalTo("When the blocks ☃"));
    }

    /// A body of `POST /detokenize`.
    record Detokenize(int[] tokens) {}

    @Test
    void tokenize_emptyText_isNoTokens() {
        given().contentType("application/json")
                .body("{\"prompt\":\"\"}")
                .post("/tokenize")
                .then()
                .statusCode(200)
                .body("count", equalTo(0));
    }

    @Test
    void cache_idle_isAllFree() {
        Await.until(
                "blocks are back",
                () -> given().get("/v1/cache").path("blocks.in_use").equals(0));
        given().get("/v1/cache")
                .then()
                .statusCode(200)
                .body("block_size", equalTo(16))
                .body("blocks.total", equalTo(32))
                .body("blocks.in_transit", equalTo(0))
                .body("tokens_stored", equalTo(0))
                .body("waste.tokens", equalTo(0))
                .body("waste.percent", equalTo(0f))
                .body("type", equalTo("f32"))
                .body("block_bytes", greaterThan(0))
                .body("bytes", greaterThan(0));
    }

    @Test
    void version_isThere() {
        given().get("/version").then().statusCode(200).body("version", notNullValue());
    }

    @Test
    void probes_areUp() {
        given().get("/q/health/started").then().statusCode(200).body("checks.name", contains("engine started"));
        given().get("/q/health/live").then().statusCode(200).body("checks.name", hasItem("engine moves"));
        given().get("/q/health/ready")
                .then()
                .statusCode(200)
                .body("checks.find { it.name == 'engine takes requests' }.data.blocks", equalTo(32))
                .body(
                        "checks.find { it.name == 'engine takes requests' }.data.keySet()",
                        hasItems("free", "cached", "inUse", "inTransit", "running", "waiting", "capacity"));
    }

    @Test
    void metrics_haveVllmsNames() {
        given().contentType("application/json")
                .body("{\"prompt\":\"the\",\"max_tokens\":2}")
                .post("/v1/completions");
        String metrics = given().get("/q/metrics").asString();
        for (String name : new String[] {
            "quire_num_requests_running",
            "quire_num_requests_waiting",
            "quire_kv_cache_usage",
            "quire_num_preemptions_total",
            "quire_prompt_tokens_total",
            "quire_generation_tokens_total",
            "quire_step_seconds_total{part=\"kernels\"}",
            "quire_kv_blocks{state=\"free\"}",
            "quire_time_to_first_token_seconds_bucket{le=\"",
            "quire_e2e_request_latency_seconds_bucket{le=\""
        }) {
            assertThat(metrics, containsString(name));
        }
    }

    @Test
    void openApi_describesTheRequests() {
        given().get("/q/openapi?format=json")
                .then()
                .statusCode(200)
                .body("info.title", equalTo("Quire"))
                .body("paths.keySet()", hasItems("/v1/completions", "/v1/chat/completions", "/v1/cache", "/tokenize"))
                .body(
                        "paths.'/v1/completions'.post.requestBody.content.'application/json'.schema.'$ref'",
                        equalTo("#/components/schemas/CompletionRequest"))
                .body("components.schemas.CompletionRequest", notNullValue());
    }
}
