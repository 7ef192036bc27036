package dev.quire.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.quire.engine.InferenceEngine;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.io.IOException;
import java.net.URL;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// `bench` against Quire's own server, with the tiny model.
@QuarkusTest
class BenchServerTest {
    private final CommandRunner runner = new CommandRunner();

    @TestHTTPResource
    URL server;

    @Inject
    InferenceEngine engine;

    @BeforeEach
    void ready() {
        assertTrue(engine.awaitReady(20_000));
    }

    @ParameterizedTest
    @CsvSource({
        "completions, --concurrency=2",
        "chat, --concurrency=2",
        "completions, --request-rate=200 --max-concurrency=2"
    })
    void bench_ownServer_getsEveryToken(String endpoint, String load) throws IOException {
        var outcome = bench((load + " --requests=4 --runs=2 --lowest-token=3 --highest-token=30 --endpoint=" + endpoint)
                .split(" "));
        assertEquals("", outcome.err());
        assertEquals(0, outcome.status());
        JsonNode level = new ObjectMapper().readTree(outcome.out());
        assertEquals("tiny-llama-f32", level.get("model").textValue());
        assertEquals(8, level.get("completed").intValue());
        assertEquals(8 * 6, level.get("output_tokens").intValue());
        assertEquals("usage", level.get("tokens_counted_by").textValue());
        assertEquals(0, level.get("ended_early").intValue());
        if (endpoint.equals("completions")) {
            assertEquals(8 * 12, level.get("prompt_tokens").intValue());
        }
    }

    @Test
    void bench_idsOutsideTheVocabulary_isOneLine() {
        var outcome = bench("--concurrency=1", "--lowest-token=900000", "--highest-token=900001");
        assertTrue(outcome.err().startsWith("quire: request must be accepted: status=400, message="), outcome.err());
        assertTrue(outcome.err().endsWith("; --highest-token bounds the ids of prompts\n"), outcome.err());
        assertEquals(1, outcome.err().lines().count());
        assertEquals(1, outcome.status());
    }

    @Test
    void bench_otherModel_isOneLine() {
        var outcome = bench("--concurrency=1", "--model=nonsense");
        assertTrue(outcome.err().startsWith("quire: request must be accepted: status=404, message="), outcome.err());
        assertEquals(1, outcome.err().lines().count());
    }

    private CommandRunner.Outcome bench(String... flags) {
        return runner.run(Stream.concat(
                        Stream.of(
                                "bench",
                                "--url=http://127.0.0.1:" + server.getPort(),
                                "--json",
                                "--prompt-tokens=8",
                                "--shared-prefix=4:2",
                                "--output-tokens=6"),
                        Stream.of(flags))
                .toArray(String[]::new));
    }
}
