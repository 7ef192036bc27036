package dev.quire.engine;

import static dev.quire.engine.Engines.until;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.sampling.SamplingParameters;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class AnswerRoomTest {
    @Test
    void take_beyondTheBound_isRefused_untilSomeIsFreed() {
        var room = new AnswerRoom(100);
        assertTrue(room.take(60));
        assertFalse(room.take(41));
        assertTrue(room.take(40));
        assertFalse(room.take(1));
        assertFalse(room.take(Long.MAX_VALUE));
        room.free(60);
        assertEquals(40, room.taken());
        assertTrue(room.take(60));
    }

    @Test
    void ofHeap_leavesMostOfIt() {
        assertEquals(Runtime.getRuntime().maxMemory() / 4, AnswerRoom.ofHeap().bytes());
    }

    /// 4 choices of 100 tokens after one of 10: 8 bytes for each of 110 tokens, 4 for each of 100, and with 20
    /// alternatives 164 more.
    @Test
    void engine_takesRoomForEveryTokenAndAlternative_andGivesItBack() {
        var room = new AnswerRoom(75_000);
        try (var engine = InferenceEngine.start(TestSettings.of("quire.batch.sequences", "4"), room)) {
            assertTrue(engine.awaitReady(60_000));
            Answer held = Answer.to(engine, request(GenerationRequest.NO_LOGPROBS), 0);
            assertEquals(4 * (8 * 110 + 4 * 100), room.taken());
            assertEquals(
                    new Submission.AnswersTooLarge(4 * (8 * 110 + 168 * 100) + 9 * 168, 75_000, 1),
                    engine.submit(request(20)));
            held.request(Long.MAX_VALUE);
            held.await();
            until(() -> room.taken() == 0);
            Answer left = Answer.to(engine, request(GenerationRequest.NO_LOGPROBS));
            left.cancel();
            until(() -> room.taken() == 0);
            Answer.to(engine, request(GenerationRequest.NO_LOGPROBS)).await();
        }
        assertEquals(0, room.taken());
    }

    private static GenerationRequest request(int logprobs) {
        return new GenerationRequest(
                Requests.prompt(1, 10, 300),
                4,
                OptionalInt.of(100),
                SamplingParameters.greedy(),
                List.of(),
                true,
                0,
                logprobs,
                logprobs == 20,
                "");
    }
}
