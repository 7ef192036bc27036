package dev.quire.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class RequestsTest {
    @Test
    void next_completions_isARequestOfTokenIds() throws IOException {
        JsonNode body = json(new Requests(workload(Endpoint.COMPLETIONS, SharedPrefix.NONE, 1)).next());
        assertEquals("a \"model\"", body.get("model").textValue());
        assertEquals(5, body.get("prompt").size());
        for (int id : ids(body)) {
            assertTrue(id >= 10 && id < 20, () -> "id=" + id);
        }
        assertEquals(3, body.get("max_tokens").intValue());
        assertEquals(0, body.get("temperature").doubleValue());
        assertTrue(body.get("ignore_eos").booleanValue());
        assertTrue(body.get("stream").booleanValue());
        assertTrue(body.at("/stream_options/include_usage").booleanValue());
        assertTrue(body.path("n").isMissingNode());
    }

    @Test
    void next_chat_isOneMessageOfWords() throws IOException {
        JsonNode body = json(new Requests(workload(Endpoint.CHAT, new SharedPrefix(2, 1), 1)).next());
        assertEquals(1, body.get("messages").size());
        assertEquals("user", body.at("/messages/0/role").textValue());
        assertTrue(body.at("/messages/0/content").textValue().matches("[a-z]+( [a-z]+){6}"), body::toString);
        assertTrue(body.path("prompt").isMissingNode());
    }

    @Test
    void next_otherWishes_areSaid() throws IOException {
        var workload = new Workload(
                "m",
                Endpoint.COMPLETIONS,
                Lengths.parse("1"),
                Lengths.parse("1"),
                SharedPrefix.NONE,
                0,
                2,
                4,
                0.5,
                false,
                1);
        JsonNode body = json(new Requests(workload).next());
        assertEquals(4, body.get("n").intValue());
        assertEquals(0.5, body.get("temperature").doubleValue());
        assertTrue(body.path("ignore_eos").isMissingNode());
    }

    @ParameterizedTest
    @EnumSource(Endpoint.class)
    void next_sameSeed_givesTheSameRequests(Endpoint endpoint) {
        assertEquals(bodies(endpoint, 7), bodies(endpoint, 7));
        assertNotEquals(bodies(endpoint, 7), bodies(endpoint, 8));
        assertEquals(6, bodies(endpoint, 7).stream().distinct().count());
    }

    @Test
    void next_severalPrefixes_takesThemInTurn() throws IOException {
        var requests = new Requests(workload(Endpoint.COMPLETIONS, new SharedPrefix(40, 3), 1));
        List<List<Integer>> prompts = prompts(requests, 6);
        for (int i = 0; i < 3; i++) {
            assertEquals(45, prompts.get(i).size());
            assertEquals(prompts.get(i).subList(0, 40), prompts.get(i + 3).subList(0, 40));
            assertNotEquals(prompts.get(i).subList(40, 45), prompts.get(i + 3).subList(40, 45));
            assertNotEquals(
                    prompts.get(i).subList(0, 40), prompts.get((i + 1) % 3).subList(0, 40));
        }
    }

    @Test
    void request_saysWhatWasDrawn() {
        var request = new Requests(workload(Endpoint.COMPLETIONS, new SharedPrefix(4, 2), 1)).next();
        assertEquals(9, request.promptTokens());
        assertEquals(3, request.outputTokens());
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "x", "-1", "5:0", "5:", "5:2:1", "1048577", "1000:100000"})
    void sharedPrefix_otherText_isRefused(String text) {
        var e = assertThrows(IllegalArgumentException.class, () -> SharedPrefix.parse(text));
        assertTrue(e.getMessage().startsWith("must be TOKENS or TOKENS:GROUPS"), e.getMessage());
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "512", "512:8"})
    void sharedPrefix_parse_isWhatToStringGives(String text) {
        assertEquals(text, SharedPrefix.parse(text).toString());
    }

    private static Workload workload(Endpoint endpoint, SharedPrefix prefix, long seed) {
        return new Workload(
                "a \"model\"", endpoint, Lengths.parse("5"), Lengths.parse("3"), prefix, 10, 20, 1, 0, true, seed);
    }

    private static List<String> bodies(Endpoint endpoint, long seed) {
        var workload = new Workload(
                "m",
                endpoint,
                Lengths.parse("5-9"),
                Lengths.parse("1-9"),
                SharedPrefix.NONE,
                0,
                9999,
                1,
                0,
                true,
                seed);
        var requests = new Requests(workload);
        return Stream.generate(() -> new String(requests.next().body()))
                .limit(6)
                .toList();
    }

    private static List<List<Integer>> prompts(Requests requests, int count) throws IOException {
        List<List<Integer>> prompts = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            prompts.add(ids(json(requests.next())));
        }
        return prompts;
    }

    private static List<Integer> ids(JsonNode body) {
        return StreamSupport.stream(body.get("prompt").spliterator(), false)
                .map(JsonNode::intValue)
                .toList();
    }

    private static JsonNode json(Requests.Request request) throws IOException {
        return new ObjectMapper().readTree(request.body());
    }
}
