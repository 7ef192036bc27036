package dev.quire.api;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.engine.GenerationRequest;
import io.quarkus.runtime.configuration.MemorySize;
import java.io.ByteArrayInputStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Bodies → request records, without a server. What is refused is in {@link ErrorResourceTest}'s table.
class RequestParsingTest {
    private final Json json = new Json(new MemorySize(BigInteger.valueOf(1000)));

    @Test
    void completion_smallest_hasOpenAisDefaults() {
        var request = CompletionRequest.parse(fields("{\"prompt\":\"the\"}"));
        assertEquals(Optional.empty(), request.model());
        assertEquals(new Prompt.Text("the"), request.prompt());
        assertEquals(16, request.maxTokens());
        assertEquals(GenerationRequest.NO_LOGPROBS, request.logprobs());
        var sampling = request.parameters().sampling();
        assertEquals(1, sampling.temperature());
        assertEquals(1, sampling.topP());
        assertEquals(0, sampling.topK());
        assertEquals(1, sampling.repetitionPenalty());
        assertEquals(List.of(), request.parameters().stop());
        assertEquals(1, request.generation(new int[] {1}).choices());
        assertEquals("", request.generation(new int[] {1}).cacheSalt());
    }

    /// Jackson's own words name its classes and their switches.
    @ParameterizedTest
    @CsvSource({
        "'{\"a\":NaN}', 'Non-standard token ''NaN'', line=1, column=9'",
        "'{} {}', 'Trailing token (of type START_OBJECT) found after value, line=1, column=4'"
    })
    void body_noJson_isRefusedWithoutNamesOfClasses(String body, String reason) {
        var e = assertThrows(ApiException.class, () -> fields(body));
        assertEquals("body must be valid JSON: reason=" + reason, e.getMessage());
    }

    @Test
    void body_deep_isRefusedWithoutNamesOfClasses() {
        var e = assertThrows(ApiException.class, () -> fields("[".repeat(100)));
        assertEquals(
                "body must be valid JSON: reason=Document nesting depth (65) exceeds the maximum allowed (64)",
                e.getMessage());
    }

    @Test
    void completion_everyParameter_isRead() {
        var request = CompletionRequest.parse(fields("""
                {"model":"m","prompt":[1,2],"max_tokens":3,"echo":true,"logprobs":4,"temperature":0.5,"top_p":0.25,
                "top_k":6,"min_p":0.125,"presence_penalty":-1,"frequency_penalty":1,"repetition_penalty":1.5,"seed":-7,
                "logit_bias":{"8":-100},"stop":["a","b"],"ignore_eos":true,"priority":-9,
                "n":2,"best_of":2,"cache_salt":"s","stream":true,"stream_options":{"include_usage":true}}"""));
        var generation = request.generation(new int[] {1, 2});
        assertArrayEquals(
                new int[] {1, 2},
                assertInstanceOf(Prompt.Tokens.class, request.prompt()).tokens());
        assertEquals(OptionalInt.of(3), generation.maxTokens());
        assertEquals(4, generation.logprobs());
        assertTrue(generation.scorePrompt());
        assertEquals(-7, generation.sampling().seed());
        assertEquals(6, generation.sampling().topK());
        assertEquals(Map.of(8, -100f), generation.sampling().logitBias());
        assertEquals(List.of("a", "b"), generation.stop());
        assertEquals(-9, generation.priority());
        assertEquals(2, generation.choices());
        assertEquals("s", generation.cacheSalt());
        assertTrue(generation.ignoreEos());
        assertTrue(request.parameters().includeUsage());
    }

    @Test
    void topK_minusOne_isAll() {
        var request = CompletionRequest.parse(fields("{\"prompt\":\"the\",\"top_k\":-1}"));
        assertEquals(0, request.parameters().sampling().topK());
    }

    @Test
    void seed_absent_isDrawn() {
        RequestFields fields = fields("{\"prompt\":\"the\"}");
        assertNotEquals(
                GenerationParameters.parse(fields, OptionalInt.empty())
                        .sampling()
                        .seed(),
                GenerationParameters.parse(fields, OptionalInt.empty())
                        .sampling()
                        .seed());
    }

    /// Only then does the engine know which are the best.
    @Test
    void bestOf_moreThanN_isScoredWhateverIsShown() {
        var request = CompletionRequest.parse(fields("{\"prompt\":\"the\",\"n\":2,\"best_of\":3}"));
        assertFalse(request.wantsLogprobs());
        assertEquals(3, request.generation(new int[] {1}).choices());
        assertEquals(0, request.generation(new int[] {1}).logprobs());
        var shown = CompletionRequest.parse(fields("{\"prompt\":\"the\",\"best_of\":3,\"logprobs\":5}"));
        assertEquals(5, shown.generation(new int[] {1}).logprobs());
        var all = CompletionRequest.parse(fields("{\"prompt\":\"the\",\"n\":3,\"best_of\":3}"));
        assertEquals(
                GenerationRequest.NO_LOGPROBS, all.generation(new int[] {1}).logprobs());
    }

    @Test
    void chat_newerNameOfMaxTokens_wins() {
        String messages = "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]";
        assertEquals(
                OptionalInt.of(2),
                ChatCompletionRequest.parse(fields(messages + ",\"max_tokens\":1,\"max_completion_tokens\":2}"))
                        .maxTokens());
        assertEquals(
                OptionalInt.empty(),
                ChatCompletionRequest.parse(fields(messages + "}")).maxTokens());
    }

    @Test
    void chat_message_isWhatTheTemplateSees() {
        var request = ChatCompletionRequest.parse(fields("""
                {"messages":[{"role":"developer","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},
                {"role":"assistant","tool_calls":[]},{"role":"user","content":"c","name":"d"}]}"""));
        assertEquals(
                List.of(
                        Map.of("role", "system", "content", "a\nb"),
                        Map.of("role", "assistant", "content", ""),
                        Map.of("role", "user", "content", "c", "name", "d")),
                request.prompt().messages().stream().map(ChatMessage::variables).toList());
    }

    @Test
    void chat_toolsAndDocuments_areWhatTheTemplateSees() {
        var prompt = ChatCompletionRequest.parse(fields("""
                {"messages":[{"role":"user","content":"a"},{"content":null,"refusal":null,"role":"assistant",
                "reasoning_content":"r","tool_calls":[{"id":"i","type":"function",
                "function":{"name":"f","arguments":"{\\"x\\": [1, 2.5, null]}"}},{"function":{"name":"g","arguments":""}}]},
                {"role":"tool","tool_call_id":"i","content":"3"}],
                "tools":[{"type":"function","function":{"name":"f"}}],"documents":[{"text":"t"}],
                "chat_template_kwargs":{"enable_thinking":false,"n":12345678901234567890}}""")).prompt();
        Map<String, Object> called = prompt.messages().get(1).variables();
        assertEquals(List.of("content", "role", "reasoning_content", "tool_calls"), List.copyOf(called.keySet()));
        assertEquals(
                "[{id=i, type=function, function={name=f, arguments={x=[1, 2.5, null]}}}, "
                        + "{function={name=g, arguments={}}}]",
                called.get("tool_calls").toString());
        assertEquals("i", prompt.messages().get(2).variables().get("tool_call_id"));
        assertEquals(
                Optional.of("[{type=function, function={name=f}}]"),
                prompt.tools().map(Object::toString));
        assertEquals(Optional.of("[{text=t}]"), prompt.documents().map(Object::toString));
        assertEquals(
                "{enable_thinking=false, n=12345678901234567890}",
                prompt.variables().toString());
    }

    @Test
    void chat_argumentsThatAreNoJson_areRefused() {
        RequestFields fields = fields("""
                {"messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{x"}}]}]}""");
        var e = assertThrows(ApiException.class, () -> ChatCompletionRequest.parse(fields));
        assertEquals(
                "messages[0].tool_calls[0].function.arguments must be a text of JSON: "
                        + "messages[0].tool_calls[0].function.arguments=\"{x\"",
                e.getMessage());
    }

    @Test
    void body_beyondItsBound_isRefused() {
        var e = assertThrows(ApiException.class, () -> fields(" ".repeat(1001)));
        assertEquals(413, e.status());
    }

    @Test
    void excerpt_neverCutsACharacter() {
        assertEquals("a…", ApiException.excerpt("a😀b", 2));
    }

    private RequestFields fields(String body) {
        return json.fields(new ByteArrayInputStream(body.getBytes(StandardCharsets.UTF_8)));
    }
}
