package dev.quire.api;

import static io.restassured.RestAssured.given;
import static org.hamcrest.Matchers.contains;
import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.equalTo;
import static org.hamcrest.Matchers.everyItem;
import static org.hamcrest.Matchers.hasKey;
import static org.hamcrest.Matchers.hasSize;
import static org.hamcrest.Matchers.not;
import static org.hamcrest.Matchers.nullValue;
import static org.hamcrest.Matchers.startsWith;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.engine.InferenceEngine;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.path.json.JsonPath;
import jakarta.inject.Inject;
import java.net.URL;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What `/v1/cache/blocks` and `/v1/cache/sequences` show: 32 blocks of 16 tokens, two sequences at once.
@QuarkusTest
class CacheInspectionResourceTest {
    private static final String BLOCKS = "/v1/cache/blocks";
    private static final String SEQUENCES = "/v1/cache/sequences";

    @TestHTTPResource
    URL server;

    @Inject
    InferenceEngine engine;

    @BeforeEach
    void idle() {
        assertTrue(engine.awaitReady(20_000));
        Await.until(
                "the engine is idle",
                () -> engine.stats().inUse()
                                + engine.stats().running()
                                + engine.stats().waiting()
                        == 0);
    }

    private static JsonPath get(String path) {
        return given().get(path).then().statusCode(200).extract().jsonPath();
    }

    @Test
    void blocks_areAPageOfTheList() {
        given().get(BLOCKS + "?limit=5&after=9")
                .then()
                .statusCode(200)
                .body("object", equalTo("list"))
                .body("data.id", contains(10, 11, 12, 13, 14))
                .body("data.object", everyItem(equalTo("cache.block")))
                .body("first_id", equalTo(10))
                .body("last_id", equalTo(14))
                .body("has_more", equalTo(true));
    }

    @Test
    void blocks_withoutParameters_areAllOfASmallPool() {
        given().get(BLOCKS)
                .then()
                .statusCode(200)
                .body("data", hasSize(32))
                .body("data.references", everyItem(equalTo(0)))
                .body("has_more", equalTo(false));
    }

    @Test
    void blocks_behindTheLast_areNone() {
        given().get(BLOCKS + "?after=31")
                .then()
                .statusCode(200)
                .body("data", hasSize(0))
                .body("first_id", nullValue())
                .body("last_id", nullValue())
                .body("has_more", equalTo(false));
    }

    @ParameterizedTest
    @CsvSource({
        "blocks, limit, 0, 1 to 1000",
        "blocks, limit, 1001, 1 to 1000",
        "blocks, limit, -5, 1 to 1000",
        "blocks, limit, 1e2, 1 to 1000",
        "blocks, limit, 99999999999999999999, 1 to 1000",
        "blocks, after, 32, 0 to 31",
        "blocks, after, -1, 0 to 31",
        "blocks, after, x, 0 to 31",
        "sequences, limit, 0, 1 to 1000",
        "sequences, limit, ten, 1 to 1000",
        "sequences, after, -1, 0 to 999999999999999999",
        "sequences, after, cmpl-1, 0 to 999999999999999999",
    })
    void list_badParameter_isRefused(String list, String parameter, String value, String range) {
        given().get("/v1/cache/" + list + "?" + parameter + "=" + value)
                .then()
                .statusCode(400)
                .body("error.type", equalTo("invalid_request_error"))
                .body("error.param", equalTo(parameter))
                .body(
                        "error.message",
                        equalTo(parameter + " must be a whole number from " + range + ": " + parameter + "=" + value));
    }

    @Test
    void list_unprintableParameter_isRefusedInOneShortLine() {
        given().queryParam("limit", "9".repeat(1000))
                .get(BLOCKS)
                .then()
                .statusCode(400)
                .body("error.message", containsString("limit=" + "9".repeat(100) + "…"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"123456789", "-1", "cmpl-0", "999999999999999999999999", "%20"})
    void sequence_unknown_isNotFound(String id) {
        given().urlEncodingEnabled(false)
                .get(SEQUENCES + "/" + id)
                .then()
                .statusCode(404)
                .body("error.code", equalTo("sequence_not_found"))
                .body(
                        "error.message",
                        equalTo("sequence must be one that GET /v1/cache/sequences lists: id="
                                + id.replace("%20", " ")));
    }

    @Test
    void sequences_idle_areNone() {
        given().get(SEQUENCES)
                .then()
                .statusCode(200)
                .body("object", equalTo("list"))
                .body("data", hasSize(0))
                .body("first_id", nullValue())
                .body("has_more", equalTo(false));
    }

    /// Three long streams whose readers do nothing: two run, one waits.
    @Test
    void sequences_thatRun_areFoundByTheirAnswersId_withTheirTables() {
        List<RawConnection> connections = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            connections.add(new RawConnection(server));
            connections
                    .get(i)
                    .post(
                            "/v1/completions",
                            "{\"prompt\":[5,6,7,8],\"ignore_eos\":true,\"max_tokens\":250,\"stream\":true}");
        }
        String head = connections.getFirst().readUntil("\"id\":\"")
                + connections.getFirst().readUntil("\"");
        assertTrue(head.contains("text/event-stream"), head);
        String answer = head.substring(head.lastIndexOf(":\"") + 2, head.length() - 1);
        JsonPath list = get(SEQUENCES);
        List<Map<String, Object>> sequences = list.getList("data");
        for (Map<String, Object> sequence : sequences) {
            assertTrue(sequence.get("request").toString().startsWith("cmpl-"), sequence.toString());
            assertEquals(4, sequence.get("prompt_tokens"));
            assertTrue(!sequence.containsKey("block_table"), sequence.toString());
        }
        Object first = sequences.stream()
                .filter(sequence -> sequence.get("request").equals(answer))
                .map(sequence -> sequence.get("id"))
                .findFirst()
                .orElse(null);
        if (first != null) { // on a busy machine it may have ended by now, which is not what this is about
            var response = given().get(SEQUENCES + "/" + first).then();
            if (response.extract().statusCode() == 200) {
                response.body("request", equalTo(answer))
                        .body("object", equalTo("cache.sequence"))
                        .body("state", equalTo("running"))
                        .body("block_table[0].references", equalTo(1))
                        .body("block_table[0]", not(hasKey("swap_slot")));
            }
        }
        connections.forEach(RawConnection::close);
    }

    @ParameterizedTest
    @ValueSource(strings = {BLOCKS, SEQUENCES})
    void methods_areGetAndHead(String path) {
        given().head(path).then().statusCode(200).contentType(startsWith("application/json"));
        given().contentType("application/json")
                .body("{}")
                .post(path)
                .then()
                .statusCode(405)
                .header("Allow", containsString("GET"))
                .body("error.code", equalTo("method_not_allowed"));
        given().delete(path).then().statusCode(405);
    }

    @Test
    void cache_itself_isWhereItWas() {
        given().get("/v1/cache").then().statusCode(200).body("blocks.total", equalTo(32));
        given().get("/v1/cache/nothing").then().statusCode(404).body("error.code", equalTo("not_found"));
    }

    @Test
    void openApi_namesThem() {
        given().get("/q/openapi?format=json")
                .then()
                .statusCode(200)
                .body("paths", hasKey(BLOCKS))
                .body("paths", hasKey(SEQUENCES + "/{id}"))
                .body("components.schemas.CacheBlock.properties.owners.description", containsString("64"));
    }
}
