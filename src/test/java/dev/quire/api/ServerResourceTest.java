package dev.quire.api;

import static io.restassured.RestAssured.given;
import static org.hamcrest.Matchers.contains;
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
