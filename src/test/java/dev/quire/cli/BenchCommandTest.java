package dev.quire.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.quire.load.StandInServer;
import dev.quire.load.StandInServer.Answer;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// `bench` against a server of every kind of fault.
class BenchCommandTest {
    private final CommandRunner runner = new CommandRunner();
    private final StandInServer server = new StandInServer();

    BenchCommandTest() throws IOException {}

    @AfterEach
    void close() {
        server.close();
    }

    @Test
    void json_hasTheLevelsFigures() throws IOException {
        var outcome =
                bench("--concurrency=2,3", "--runs=2", "--requests=6", "--output-tokens=5", "--json", "--label=x");
        assertEquals("", outcome.err());
        assertEquals(0, outcome.status());
        List<JsonNode> levels = levels(outcome.out());
        assertEquals(2, levels.size());
        JsonNode level = levels.get(1);
        assertEquals("x", level.get("label").textValue());
        assertEquals(server.url(), level.get("url").textValue());
        assertEquals("stand-in", level.get("model").textValue());
        assertEquals("completions", level.get("endpoint").textValue());
        assertEquals(3, level.get("concurrency").intValue());
        assertEquals("9", level.get("prompt_tokens_per_request").textValue());
        assertEquals("5", level.get("output_tokens_per_request").textValue());
        assertEquals(12, level.get("completed").intValue());
        assertEquals(0, level.get("failed").intValue());
        assertEquals(12 * 9, level.get("prompt_tokens").intValue());
        assertEquals(12 * 5, level.get("output_tokens").intValue());
        assertEquals("usage", level.get("tokens_counted_by").textValue());
        assertEquals(2, level.get("output_tokens_per_second_runs").size());
        assertEquals(2, level.get("ttft_ms_p50_runs").size());
        for (String times : List.of("ttft_ms", "itl_ms", "e2e_ms")) {
            JsonNode summary = level.get(times);
            assertTrue(summary.get("p50").doubleValue() <= summary.get("p99").doubleValue(), summary::toString);
            assertTrue(summary.get("mean").doubleValue() <= summary.get("max").doubleValue(), summary::toString);
        }
        assertTrue(level.get("duration_seconds").doubleValue() > 0);
        assertTrue(level.get("client_cpu_seconds").doubleValue() > 0);
        assertEquals(3, level.get("peak_concurrency").intValue());
        assertEquals(2 * 3 * 6, server.calls.size()); // two levels of a warm-up and two runs
    }

    @Test
    void text_hasABlockForEachLevelAndALineForEachInTheEnd() {
        var outcome = bench("--concurrency=1,2", "--runs=1", "--output-tokens=3");
        assertEquals("", outcome.err());
        List<String> lines = outcome.out().lines().toList();
        assertTrue(lines.contains("1 at once, 1 run"), outcome.out());
        assertTrue(lines.contains("2 at once, 1 run"), outcome.out());
        assertTrue(outcome.out().contains("  to first token"), outcome.out());
        assertTrue(lines.getLast().isEmpty() && lines.get(lines.size() - 2).startsWith("2 at once "), outcome.out());
    }

    @Test
    void json_intoAFile_isBesideTheText(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("a.json");
        var outcome = bench("--concurrency=1,2", "--runs=1", "--json", file.toString());
        assertEquals(0, outcome.status(), outcome.err());
        assertTrue(outcome.out().contains("1 at once, 1 run\n"), outcome.out());
        assertEquals(2, levels(Files.readString(file)).size());
    }

    @Test
    void json_intoAFileThatCannotBe_isRefusedBeforeTheLoad(@TempDir Path folder) {
        String file = folder.resolve("nowhere/a.json").toString();
        var outcome = bench("--json", file);
        assertEquals("quire: file must be one that can be written: --json=" + file + "\n", outcome.err());
        assertEquals(1, outcome.status());
        assertEquals(0, server.calls.size());
    }

    @Test
    void requests_areWhatWasAskedFor() {
        runner.environment.put("OPENAI_API_KEY", "secret");
        bench("--endpoint=chat", "--n=3", "--temperature=0.5", "--no-ignore-eos", "--concurrency=1", "--model=other");
        var call = server.calls.getFirst();
        assertEquals("/v1/chat/completions", call.path());
        assertEquals("Bearer secret", call.authorization());
        assertEquals("other", call.body().get("model").textValue());
        assertEquals(3, call.body().get("n").intValue());
        assertEquals(0.5, call.body().get("temperature").doubleValue());
        assertTrue(call.body().path("ignore_eos").isMissingNode());
    }

    @Test
    void choices_countTokensOfAll() throws IOException {
        JsonNode level = level("--n=2", "--output-tokens=4", "--concurrency=1", "--requests=5", "--runs=1");
        assertEquals(5 * 2 * 4, level.get("output_tokens").intValue());
        assertEquals(5 * 2 * 4, level.get("events").intValue());
    }

    @Test
    void openLoop_sendsAllAndKeepsItsBound() throws IOException {
        JsonNode level =
                level("--request-rate=2000", "--max-concurrency=2", "--burstiness=0.3", "--requests=40", "--runs=1");
        assertEquals(2000, level.get("request_rate").doubleValue());
        assertEquals(40, level.get("completed").intValue());
        assertTrue(level.get("peak_concurrency").intValue() <= 2, level::toString);
        assertTrue(server.mostAtOnce.get() <= 2);
        assertTrue(level.path("concurrency").isMissingNode());
    }

    @Test
    void answers_withoutUsage_areCountedByEvents() throws IOException {
        server.answer = Answer.WITHOUT_USAGE;
        JsonNode level = level("--concurrency=1", "--requests=4", "--runs=1", "--output-tokens=6");
        assertEquals("events", level.get("tokens_counted_by").textValue());
        assertEquals(24, level.get("output_tokens").intValue());
        assertTrue(bench("--concurrency=1").out().contains("note: the server sends no usage"));
    }

    @Test
    void answers_endedEarly_areSaid() throws IOException {
        server.answer = Answer.EARLY_END;
        assertEquals(
                4,
                level("--concurrency=1", "--runs=1", "--output-tokens=6")
                        .get("ended_early")
                        .intValue());
    }

    @Test
    void answers_withoutDone_areWholeWhenAllChoicesHaveEnded() throws IOException {
        server.answer = Answer.WITHOUT_DONE;
        assertEquals(4, level("--concurrency=1", "--runs=1").get("completed").intValue());
    }

    /// One answer of the counted run is bad, and the others go on.
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            CUT                | answer must be complete: problem=connection was closed
            ENDS_IN_THE_MIDDLE | answer must be complete: problem=stream ended before [DONE]
            ERROR_EVENT        | answer must be complete: error=out of blocks
            NOT_JSON           | event must be one JSON object: event={"choices":
            PLAIN_JSON         | answer must be a stream of events: Content-Type=application/json, body={"choices":[{"text":"all at once"}]}
            EMPTY              | answer must have a token: problem=stream ended without one
            """)
    void answer_bad_isACountedFailure(Answer kind, String message) throws IOException {
        server.answer = kind;
        server.faulty.set(1);
        var outcome = bench("--concurrency=2", "--requests=5", "--runs=1", "--warmup=0", "--json");
        assertEquals("quire: 2 at once: failed requests: 1, each: " + message + "\n", outcome.err());
        assertEquals(1, outcome.status());
        JsonNode level = levels(outcome.out()).getFirst();
        assertEquals(4, level.get("completed").intValue());
        assertEquals(1, level.get("failed").intValue());
        assertEquals(0, level.get("refused").intValue());
        assertEquals(1, level.at("/failures").get(message).intValue());
    }

    @Test
    void answers_stopped_areGivenUp() {
        server.answer = Answer.STALLED;
        var outcome = bench("--concurrency=2", "--model=x", "--timeout=300ms");
        assertEquals("quire: answer must not stop for longer than the timeout: seconds=0.3\n", outcome.err());
        assertEquals(1, outcome.status());
    }

    @Test
    void refusals_areCountedWithRetryAfter() throws IOException {
        server.status = 429;
        server.retryAfter = "7";
        server.refusal = "{\"error\":{\"message\":\"queue is full\"}}";
        server.faulty.set(3);
        var outcome = bench("--concurrency=1", "--requests=8", "--runs=1", "--warmup=0", "--json");
        assertEquals(
                "quire: 1 at once: failed requests: 3, each: request must be accepted: status=429, message=queue is full\n",
                outcome.err());
        assertEquals(1, outcome.status());
        JsonNode level = levels(outcome.out()).getFirst();
        assertEquals(5, level.get("completed").intValue());
        assertEquals(3, level.get("failed").intValue());
        assertEquals(3, level.get("refused").intValue());
        assertEquals(7, level.get("retry_after_seconds").intValue());
    }

    @Test
    void warmup_failed_isSaidAndNotCounted() throws IOException {
        server.status = 500;
        server.refusal = "<html>\nbroken</html>";
        server.faulty.set(1);
        var outcome = bench("--concurrency=1", "--requests=3", "--runs=1", "--json");
        assertEquals(
                "quire: warm-up: failed requests: 1, each: request must be accepted: status=500, message=<html> broken</html>\n",
                outcome.err());
        assertEquals(1, outcome.status());
        assertEquals(0, levels(outcome.out()).getFirst().get("failed").intValue());
    }

    /// What no request gets past ends the command at once, with a flag that helps where there is one.
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            404 | the model does not exist              |
            400 | Unrecognized argument: ignore_eos     | ; --no-ignore-eos leaves it out
            422 | prompt: a string is expected          | ; --endpoint chat sends texts instead of token ids
            400 | token must be in the vocabulary       | ; --highest-token bounds the ids of prompts
            400 | Prompt contains invalid tokens        | ; --highest-token bounds the ids of prompts
            400 | prompt is longer than the context     |
            401 | who are you                           | ; --api-key or OPENAI_API_KEY gives the key
            """)
    void refusal_ofAll_isOneLine(int status, String message, String hint) {
        server.status = status;
        server.refusal = "{\"error\":{\"message\":\"" + message + "\"}}";
        var outcome = bench("--concurrency=4", "--model=x");
        assertEquals(
                "quire: request must be accepted: status=" + status + ", message=" + message
                        + (hint == null ? "" : hint) + "\n",
                outcome.err());
        assertEquals(1, outcome.status());
        assertEquals(4, server.calls.size());
    }

    @ParameterizedTest
    @ValueSource(strings = {"{}", "{\"data\":[]}", "<html>"})
    void models_notOpenAis_isOneLine(String models) {
        server.models = models;
        var outcome = bench("--concurrency=1");
        assertEquals(
                "quire: server must list its models as OpenAI's does, or --model name one: url=" + server.url()
                        + "/v1/models, status=200, body=" + models + "\n",
                outcome.err());
        assertEquals(1, outcome.status());
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void server_notThere_isOneLine(boolean named) throws IOException {
        String url;
        try (var socket = new ServerSocket(0)) {
            url = "http://127.0.0.1:" + socket.getLocalPort();
        }
        var outcome = runner.run(
                named
                        ? new String[] {"bench", "--url", url, "--model=x", "--concurrency=3"}
                        : new String[] {"bench", "--url", url});
        assertEquals("quire: server must be reachable: url=" + url + ", problem=Connection refused\n", outcome.err());
        assertEquals(1, outcome.status());
    }

    @Test
    void host_unknown_isOneLine() {
        var outcome = runner.run("bench", "--url=http://nowhere.invalid");
        assertEquals("quire: server's host must be known: url=http://nowhere.invalid\n", outcome.err());
        assertEquals(1, outcome.status());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --url=ftp://a              | --url must be an address such as http://localhost:8080: --url=ftp://a
            --url=localhost:80         | --url must be an address such as http://localhost:8080: --url=localhost:80
            --endpoint=x               | --endpoint must be completions or chat: --endpoint=x
            --concurrency=0            | concurrency must be between 1 and 10000: concurrency=0
            --concurrency=1,x          | Invalid value for option '--concurrency' (NUMBER): 'x' is not an int
            --request-rate=0           | rate must be above 0 and at most 1000000: rate=0.0
            --request-rate=1 --concurrency=1 | --concurrency and --request-rate must not both be given
            --burstiness=2             | --burstiness needs --request-rate, which it belongs to
            --max-concurrency=2        | --max-concurrency needs --request-rate, which it belongs to
            --requests=0               | requests must be between 1 and 10000000: requests=0
            --runs=0                   | runs must be between 1 and 1000: runs=0
            --warmup=-1                | warmup must be between 0 and 1000: warmup=-1
            --n=0                      | n must be between 1 and 128: n=0
            --temperature=3            | temperature must be between 0 and 2: temperature=3.0
            --timeout=x                | --timeout must be a time such as 60s, 500ms or 2m, of at most a day: --timeout=x
            --lowest-token=5 --highest-token=5 | tokens must lie between a lowest of at least 0 and a higher highest: lowestToken=5, highestToken=5
            """)
    void flags_wrong_areOneLineAndStatus2(String flags, String message) {
        var outcome = bench(flags.split(" "));
        assertEquals("quire: " + message + "\n", outcome.err());
        assertEquals("", outcome.out());
        assertEquals(2, outcome.status());
        assertEquals(0, server.calls.size());
    }

    @Test
    void lengths_wrong_areOneLineAndStatus2() {
        var outcome = bench("--prompt-tokens=abc");
        assertTrue(outcome.err().startsWith("quire: --prompt-tokens must be 128, 64-256, "), outcome.err());
        assertTrue(outcome.err().endsWith(": --prompt-tokens=abc\n"), outcome.err());
        assertEquals(2, outcome.status());
    }

    private JsonNode level(String... flags) throws IOException {
        List<String> all = new ArrayList<>(List.of(flags));
        all.add("--json");
        var outcome = bench(all.toArray(String[]::new));
        assertEquals("", outcome.err());
        assertEquals(0, outcome.status());
        return levels(outcome.out()).getFirst();
    }

    /// With lengths and the address of the stand-in where `flags` do not say others.
    private CommandRunner.Outcome bench(String... flags) {
        List<String> all = new ArrayList<>(List.of("bench"));
        for (String usual : List.of("--url=" + server.url(), "--prompt-tokens=9", "--output-tokens=3")) {
            String name = usual.substring(0, usual.indexOf('=') + 1);
            if (Stream.of(flags).noneMatch(flag -> flag.startsWith(name))) {
                all.add(usual);
            }
        }
        all.addAll(List.of(flags));
        return runner.run(all.toArray(String[]::new));
    }

    private static List<JsonNode> levels(String lines) throws IOException {
        List<JsonNode> levels = new ArrayList<>();
        for (String line : lines.lines().toList()) {
            levels.add(new ObjectMapper().readTree(line));
        }
        return levels;
    }
}
