package dev.quire.api;

import static io.restassured.RestAssured.given;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.greaterThan;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.engine.InferenceEngine;
import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import io.restassured.http.ContentType;
import jakarta.inject.Inject;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// A server whose model is a folder that Transformers wrote, in shards.
@QuarkusTest
@TestProfile(FolderResourceTest.OfAFolder.class)
class FolderResourceTest {
    public static final class OfAFolder implements QuarkusTestProfile {
        @Override
        public Map<String, String> getConfigOverrides() {
            return Map.of("quire.model", "src/test/resources/folders/tiny-llama-f16");
        }
    }

    @Inject
    InferenceEngine engine;

    @BeforeEach
    void ready() {
        assertTrue(engine.awaitReady(20_000));
    }

    @Test
    void models_nameTheFolder() {
        given().get("/v1/models").then().statusCode(200).body("data[0].id", equalTo("tiny-llama-f16"));
    }

    @Test
    void chat_usesTheTemplateOfTheFolder() {
        given().contentType(ContentType.JSON)
                .body("{\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}],\"max_tokens\":4,\"ignore_eos\":true}")
                .post("/v1/chat/completions")
                .then()
                .statusCode(200)
                .body("usage.completion_tokens", equalTo(4))
                .body("usage.prompt_tokens", greaterThan(20));
    }

    @Test
    void tokenize_usesTheTokenizerOfTheFolder() {
        given().contentType(ContentType.JSON)
                .body("{\"prompt\":\"<|im_end|>\"}")
                .post("/tokenize")
                .then()
                .statusCode(200)
                .body("tokens[0]", equalTo(2));
    }
}
