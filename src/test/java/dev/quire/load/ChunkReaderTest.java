package dev.quire.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ChunkReaderTest {
    private static final String[] VALUES = {
        "null",
        "\"\"",
        "\"ab\"",
        "\"\\u00e9\\n\"",
        "0",
        "1",
        "[]",
        "[{}]",
        "[{\"a\":[1]}]",
        "{}",
        "{\"b\":{\"c\":[]}}",
        "true"
    };
    private static final String[] DELTA = {"content", "role", "reasoning_content", "tool_calls", "reasoning", "x"};
    private static final String[] CHOICE = {"index", "text", "finish_reason", "logprobs"};

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            {"choices":[{"index":0,"text":"a","finish_reason":null}]}                | 0:tokens
            {"choices":[{"index":0,"text":"","finish_reason":null}]}                 | 0:tokens
            {"choices":[{"index":0,"text":"","finish_reason":"length"}]}             | 0:end
            {"choices":[{"index":1,"text":"a","finish_reason":"stop"}]}              | 1:tokens,end
            {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}      | 0:
            {"choices":[{"index":0,"delta":{"role":"assistant","content":null}}]}    | 0:
            {"choices":[{"index":0,"delta":{"role":"assistant","content":"a"}}]}     | 0:tokens
            {"choices":[{"index":0,"delta":{"content":"a"}},{"index":1,"delta":{}}]} | 0:tokens 1:
            {"choices":[{"index":0,"delta":{"content":""}}]}                         | 0:tokens
            {"choices":[{"index":0,"delta":{"reasoning_content":"a"}}]}              | 0:tokens
            {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0}]}}]}           | 0:tokens
            {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}              | 0:end
            {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5}}         | usage=3,5,-1
            {"usage":{"prompt_tokens":3,"prompt_tokens_details":{"cached_tokens":2}}} | usage=3,-1,2
            {"usage":{"prompt_tokens_details":null,"completion_tokens":"x"}}         | usage=-1,-1,-1
            {"choices":null,"usage":null,"error":null,"object":"text_completion"}    | ``
            {"error":{"message":"x"}}                                                | error
            {"object":"error","message":"x"}                                         | error
            """)
    void read_chunk_saysWhatItHas(String chunk, String expected) throws IOException {
        assertEquals(expected, read(chunk));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "x",
                "[]",
                "1",
                "{",
                "{\"choices\":[",
                "{\"choices\":[1]}",
                "{} {}",
                "{\"a\":\"",
                "{\"error\":{"
            })
    void read_otherThanOneObject_isRefused(String chunk) {
        assertThrows(IOException.class, () -> read(chunk));
    }

    /// Random chunks, of values that no server has too, beside a twin that builds the tree.
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void read_randomChunks_agreesWithTheTree(long seed) throws IOException {
        var random = new SplittableRandom(seed);
        for (int i = 0; i < 2000; i++) {
            var choices = new StringBuilder();
            for (int j = random.nextInt(3); j > 0; j--) {
                String fields = fields(random, CHOICE);
                String delta = random.nextBoolean() ? "\"delta\":{" + fields(random, DELTA) + "}" : "";
                boolean both = !fields.isEmpty() && !delta.isEmpty();
                choices.append(choices.isEmpty() ? "" : ",").append("{" + fields + (both ? "," : "") + delta + "}");
            }
            String usage = fields(random, "prompt_tokens", "completion_tokens", "prompt_tokens_details");
            String chunk = "{\"id\":\"x\",\"choices\":[" + choices + "],\"usage\":{" + usage + "},\"more\":[{}]}";
            assertEquals(naive(new ObjectMapper().readTree(chunk)), read(chunk), chunk);
        }
    }

    @Test
    void read_partOfAnArray_readsThatAlone() throws IOException {
        byte[] bytes = "xx{\"error\":1}yy".getBytes(StandardCharsets.UTF_8);
        var said = new Said();
        new ChunkReader().read(bytes, 2, bytes.length - 4, said);
        assertEquals("error", said.toString());
    }

    private static String fields(SplittableRandom random, String... names) {
        var fields = new StringBuilder();
        for (String name : names) {
            if (random.nextBoolean()) {
                String value = VALUES[random.nextInt(VALUES.length)];
                fields.append(fields.isEmpty() ? "" : ",").append("\"" + name + "\":" + value);
            }
        }
        return fields.toString();
    }

    private static String naive(JsonNode chunk) {
        var said = new Said();
        for (JsonNode choice : chunk.get("choices")) {
            JsonNode delta = choice.path("delta");
            boolean finished = choice.hasNonNull("finish_reason");
            boolean full = !choice.path("text").asText("").isEmpty()
                    && choice.get("text").isTextual();
            boolean empty = choice.path("text").isTextual();
            for (String name : new String[] {"content", "reasoning_content", "reasoning"}) {
                full |= delta.path(name).isTextual()
                        && !delta.get(name).textValue().isEmpty();
                empty |= delta.path(name).isTextual();
            }
            full |= delta.path("tool_calls").isArray()
                    && !delta.get("tool_calls").isEmpty();
            boolean opening = delta.path("role").isTextual();
            int index = choice.path("index").isMissingNode()
                    ? 0
                    : choice.get("index").asInt(-1);
            index = choice.path("index").isMissingNode() || choice.get("index").isInt() ? index : -1;
            said.choice(index, full || empty && !opening && !finished, finished);
        }
        JsonNode usage = chunk.get("usage");
        said.usage(count(usage.path("prompt_tokens")), count(usage.path("completion_tokens")), -1);
        return said.toString();
    }

    private static int count(JsonNode node) {
        return node.isInt() ? node.intValue() : -1;
    }

    private static String read(String chunk) throws IOException {
        byte[] bytes = chunk.getBytes(StandardCharsets.UTF_8);
        var said = new Said();
        new ChunkReader().read(bytes, 0, bytes.length, said);
        return said.toString();
    }

    private static final class Said implements ChunkReader.Sink {
        private final StringBuilder text = new StringBuilder();

        @Override
        public void choice(int index, boolean carriesTokens, boolean finished) {
            String what =
                    (carriesTokens ? "tokens" : "") + (carriesTokens && finished ? "," : "") + (finished ? "end" : "");
            add(index + ":" + what);
        }

        @Override
        public void usage(int promptTokens, int completionTokens, int cachedTokens) {
            add("usage=" + promptTokens + "," + completionTokens + "," + cachedTokens);
        }

        @Override
        public void error() {
            add("error");
        }

        private void add(String more) {
            text.append(text.isEmpty() ? "" : " ").append(more);
        }

        @Override
        public String toString() {
            return text.toString();
        }
    }
}
