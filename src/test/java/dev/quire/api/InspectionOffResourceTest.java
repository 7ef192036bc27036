package dev.quire.api;

import static io.restassured.RestAssured.given;
import static org.hamcrest.Matchers.equalTo;

import io.quarkus.test.junit.QuarkusTest;
import io.quarkus.test.junit.QuarkusTestProfile;
import io.quarkus.test.junit.TestProfile;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// `quire.inspect.enabled=false`.
@QuarkusTest
@TestProfile(InspectionOffResourceTest.Off.class)
class InspectionOffResourceTest {
    public static final class Off implements QuarkusTestProfile {
        @Override
        public Map<String, String> getConfigOverrides() {
            return Map.of("quire.inspect.enabled", "false");
        }
    }

    /// Whatever else is wrong with the request.
    @ParameterizedTest
    @ValueSource(
            strings = {
                "/v1/cache/blocks",
                "/v1/cache/blocks?limit=x",
                "/v1/cache/sequences",
                "/v1/cache/sequences?after=-1",
                "/v1/cache/sequences/0",
                "/v1/cache/events",
            })
    void inspection_off_isNotFound_andSaysWhatTurnsItOn(String path) {
        given().get(path)
                .then()
                .statusCode(404)
                .body("error.code", equalTo("inspection_off"))
                .body("error.type", equalTo("invalid_request_error"))
                .body(
                        "error.message",
                        equalTo("quire.inspect.enabled must be true for this path: quire.inspect.enabled=false"));
    }

    @Test
    void compaction_off_isNotFound() {
        given().post("/v1/cache/compact").then().statusCode(404).body("error.code", equalTo("inspection_off"));
    }

    @Test
    void poolsNumbers_areThereAllTheSame() {
        given().get("/v1/cache").then().statusCode(200).body("blocks.total", equalTo(32));
    }
}
