package dev.quire.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AnswerTimerTest {
    private static final Requests.Request REQUEST = new Requests.Request(new byte[0], 7, 5);

    private AnswerTimer timer = new AnswerTimer(REQUEST, 1, new ChunkReader(), millis(1000));

    @Test
    void answer_hasItsTimes() {
        arrive(1100, text(0, "a"));
        arrive(1110, text(0, "b"));
        arrive(1140, text(0, "c"));
        arrive(1150, finish(0) + usage(9, 5) + "data: [DONE]\n\n");
        Answer answer = completed(1160);
        assertEquals(100, answer.firstMillis());
        assertEquals(160, answer.endMillis());
        assertEquals(50.0 / 4, answer.millisPerToken()); // to the event that ends it
        assertEquals(new Summary(20, 20, 28, 29.8, 30), rounded(answer.gaps().summary()));
        assertEquals(3, answer.events());
        assertEquals(9, answer.promptTokens());
        assertEquals(5, answer.outputTokens());
        assertTrue(answer.counted());
        assertFalse(answer.early());
    }

    @Test
    void answer_withoutUsage_countsEvents() {
        arrive(1100, text(0, "a") + text(0, "b") + finish(0));
        Answer answer = completed(1200);
        assertFalse(answer.counted());
        assertEquals(2, answer.outputTokens());
        assertEquals(7, answer.promptTokens());
        assertFalse(answer.early()); // two events may have been five tokens
        assertTrue(Double.isNaN(answer.millisPerToken()));
    }

    @Test
    void answer_ofSeveralChoices_hasGapsOfEach() {
        timer = new AnswerTimer(REQUEST, 2, new ChunkReader(), millis(1000));
        arrive(1100, text(0, "a"));
        arrive(1103, text(1, "a"));
        arrive(1120, text(0, "b"));
        arrive(1125, text(1, "b") + finish(0) + finish(1) + usage(7, 6));
        Answer answer = completed(1200);
        assertEquals(new Summary(21, 21, 21.8, 21.98, 22), rounded(answer.gaps().summary()));
        assertEquals(25.0 / 2, answer.millisPerToken());
        assertTrue(answer.early()); // 2 × 5 were asked for
    }

    @Test
    void answer_withoutText_beginsWithItsEnd() {
        arrive(1100, finish(0) + usage(7, 5));
        Answer answer = completed(1101);
        assertEquals(100, answer.firstMillis());
        assertEquals(5, answer.outputTokens());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            {"choices":[{"index":0,"text":"a"}]} | answer must be complete: problem=stream ended before [DONE]
            [DONE]                               | answer must have a token: problem=stream ended without one
            {"error":{"message":"no room"}}      | answer must be complete: error=no room
            {"object":"error","message":"gone"}  | answer must be complete: error=gone
            {"choices":[{"index":1,"text":"a"}]} | choice must be one of those that were asked for: index=1, n=1
            {"choices":                          | event must be one JSON object: event={"choices":
            """)
    void answer_badStream_isAFailure(String event, String message) {
        arrive(1100, "data: " + event + "\n\n");
        assertEquals(
                message,
                assertInstanceOf(Outcome.Failed.class, timer.end(millis(1200))).message());
    }

    private Answer completed(long millis) {
        return assertInstanceOf(Outcome.Completed.class, timer.end(millis(millis)))
                .answer();
    }

    private void arrive(long millis, String events) {
        timer.arrived(events.getBytes(StandardCharsets.UTF_8), millis(millis));
    }

    private static String text(int index, String text) {
        return "data: {\"choices\":[{\"index\":" + index + ",\"text\":\"" + text + "\",\"finish_reason\":null}]}\n\n";
    }

    private static String finish(int index) {
        return "data: {\"choices\":[{\"index\":" + index + ",\"text\":\"\",\"finish_reason\":\"length\"}]}\n\n";
    }

    private static String usage(int prompt, int completion) {
        return "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":" + prompt + ",\"completion_tokens\":" + completion
                + "}}\n\n";
    }

    private static Summary rounded(Summary summary) {
        return new Summary(
                Math.rint(summary.mean() * 1e4) / 1e4,
                Math.rint(summary.p50() * 1e4) / 1e4,
                Math.rint(summary.p90() * 1e4) / 1e4,
                Math.rint(summary.p99() * 1e4) / 1e4,
                Math.rint(summary.max() * 1e4) / 1e4);
    }

    private static long millis(long millis) {
        return millis * 1_000_000;
    }
}
