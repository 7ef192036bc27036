package dev.quire.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.engine.GenerationEvent.Delta;
import io.quarkus.runtime.configuration.MemorySize;
import java.io.ByteArrayInputStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What is filled in must be, byte for byte, what binding the chunk anew would have written.
class ChunkTemplateTest {
    private static final String USAGE = ",\"stream\":true,\"stream_options\":{\"include_usage\":true}";

    private final Json json = new Json(new MemorySize(BigInteger.valueOf(1000)));

    private Answer chat(String model, String more) {
        var request = ChatCompletionRequest.parse(
                fields("{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]" + more + "}"));
        return new ChatAnswer(AnswerHead.next("chatcmpl-", model), request, 1, null);
    }

    private Answer completion(String model, String more) {
        var request = CompletionRequest.parse(fields("{\"prompt\":\"a\"" + more + "}"));
        return new CompletionAnswer(AnswerHead.next("cmpl-", model), request, new int[1], null);
    }

    private RequestFields fields(String body) {
        return json.fields(new ByteArrayInputStream(body.getBytes(StandardCharsets.UTF_8)));
    }

    private static Delta delta(String text) {
        return new Delta(0, text, new int[1], List.of());
    }

    private void check(Answer answer, String text) {
        var template = new ChunkTemplate(json, piece -> answer.textChunk(0, piece));
        assertTrue(answer.onlyText(delta(text)));
        String expected = new String(json.event(answer.chunks(delta(text)).getFirst()), StandardCharsets.UTF_8);
        assertEquals(expected, new String(template.event(text), StandardCharsets.UTF_8));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "hello",
                " ",
                "\"",
                "\\",
                "\n\t\r\b\f",
                "\u0000\u001f\u007f",
                "é€",
                "😀",
                "\u2028",
                "*",
                "\"*\"",
                "/"
            })
    void event_isWhatBindingWrites(String text) {
        check(chat("m", ""), text);
        check(completion("m", ""), text);
        check(chat("m", USAGE), text);
        check(completion("m", USAGE), text);
    }

    @Test
    void event_modelNamedLikeThePlace_fillsTheText() {
        check(chat("*", ""), "a");
        check(completion("\"*\"", ""), "a");
    }

    @Test
    void randomTexts_areWhatBindingWrites() {
        var random = new Random(3);
        Answer answer = chat("m", USAGE);
        for (int i = 0; i < 1_000; i++) {
            var text = new StringBuilder();
            for (int length = 1 + random.nextInt(20); length > 0; length--) {
                int point = random.nextInt(random.nextBoolean() ? 0x100 : 0x11000);
                text.appendCodePoint(Character.getType(point) == Character.SURROGATE ? 'x' : point);
            }
            check(answer, text.toString());
        }
    }

    @Test
    void onlyText_whereThereIsMoreToSay_isFalse() {
        assertFalse(chat("m", "").onlyText(delta("")));
        assertFalse(completion("m", "").onlyText(delta("")));
        assertFalse(chat("m", ",\"logprobs\":true").onlyText(delta("a")));
        assertFalse(completion("m", ",\"logprobs\":1").onlyText(delta("a")));
        assertFalse(completion("m", ",\"echo\":true").onlyText(delta("a")));
    }
}
