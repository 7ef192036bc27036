package dev.quire.engine;

import static dev.quire.engine.Engines.assertEveryBlockIsFree;
import static dev.quire.engine.Engines.start;
import static dev.quire.engine.Engines.until;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.engine.GenerationEvent.Failed;
import dev.quire.engine.GenerationEvent.Finished;
import dev.quire.engine.GenerationEvent.Reason;
import dev.quire.sampling.SamplingParameters;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Several answers to one prompt, on the running engine.
class EngineChoicesTest {
    private static SamplingParameters drawn(long seed) {
        return new SamplingParameters(1.2f, 1, 0, 0, 0, 0, 1, Map.of(), seed);
    }

    private static GenerationRequest request(int promptTokens, int maxTokens, int choices) {
        return Requests.choices(Requests.of(Requests.prompt(1, promptTokens, 300), maxTokens, drawn(42)), choices);
    }

    /// Prompts of less than a block, of whole ones, and of one that takes more than one step.
    @ParameterizedTest
    @CsvSource({"cpu, 5, on", "cpu, 32, on", "cpu, 33, off", "cpu, 200, on", "reference, 20, on"})
    void choices_areTheRequestsAloneWithTheirSeeds(String backend, int promptTokens, String prefix) {
        try (var engine = start(
                "quire.backend",
                backend,
                "quire.cache.prefix",
                prefix,
                "quire.batch.tokens",
                "64",
                "quire.batch.sequences",
                "8")) {
            var request = request(promptTokens, 40, 3);
            Answer answer = Answer.to(engine, request).await();
            assertChoicesAreThoseAlone(engine, request, answer);
            assertEquals(3, new HashSet<>(List.of(answer.tokens(0), answer.tokens(1), answer.tokens(2))).size());
            assertEveryBlockIsFree(engine);
        }
    }

    private static void assertChoicesAreThoseAlone(InferenceEngine engine, GenerationRequest request, Answer answer) {
        for (int i = 0; i < request.choices(); i++) {
            Answer alone = Answer.to(engine, Requests.alone(request, i)).await();
            assertEquals(alone.tokens(), answer.tokens(i), "choice=" + i);
            assertEquals(alone.text(), answer.text(i), "choice=" + i);
            assertEquals(alone.end(0).reason(), answer.end(i).reason(), "choice=" + i);
            assertEquals(alone.end(0).completionTokens(), answer.end(i).completionTokens(), "choice=" + i);
            assertEquals(logprobs(alone.logprobs()), logprobs(answer.logprobs(i)), "choice=" + i);
            assertEquals(alone.end(0).logprobSum(), answer.end(i).logprobSum(), "choice=" + i);
            assertEquals(logprobs(alone.promptLogprobs()), logprobs(answer.promptLogprobs(i)), "choice=" + i);
        }
    }

    private static List<Float> logprobs(List<TokenLogprob> scores) {
        return scores.stream().map(TokenLogprob::logprob).toList();
    }

    /// Requests of 1 … 5 choices with every parameter, in a pool that is too small for them: groups are preempted
    /// whole and in part, and their copies on write wait for blocks.
    @ParameterizedTest
    @ValueSource(strings = {"on", "off"})
    void mixedChoices_inATinyPool_areThoseAlone(String prefix) {
        try (var engine = start(
                "quire.cache.blocks",
                "14",
                "quire.batch.tokens",
                "48",
                "quire.batch.sequences",
                "6",
                "quire.cache.prefix",
                prefix)) {
            List<GenerationRequest> requests = new ArrayList<>();
            List<Answer> answers = new ArrayList<>();
            for (int i = 0; i < 24; i++) {
                requests.add(Requests.choices(Requests.mixed(i, 300), 1 + i % 5));
                answers.add(Answer.to(engine, requests.get(i)));
            }
            answers.forEach(Answer::await);
            assertTrue(engine.stats().preemptions() > 0);
            for (int i = 0; i < 24; i++) {
                assertChoicesAreThoseAlone(engine, requests.get(i), answers.get(i));
            }
            assertEveryBlockIsFree(engine);
        }
    }

    /// Half of the readers go, at any time.
    @Test
    void cancelledChoices_giveTheirBlocksBack_andChangeNoOther() {
        try (var engine = start("quire.cache.blocks", "40", "quire.batch.sequences", "6")) {
            var random = new Random(7);
            List<GenerationRequest> requests = new ArrayList<>();
            List<Answer> answers = new ArrayList<>();
            for (int i = 0; i < 60; i++) {
                requests.add(Requests.choices(Requests.mixed(i, 300), 1 + i % 5));
                answers.add(Answer.to(engine, requests.get(i)));
                if (i % 2 == 1) {
                    int seen = random.nextInt(3);
                    until(() -> answers.getLast().seen() >= seen
                            || answers.getLast().end() != null);
                    answers.getLast().cancel();
                }
            }
            for (int i = 0; i < 60; i += 2) {
                answers.get(i).await();
            }
            assertEveryBlockIsFree(engine);
            EngineStats stats = engine.stats();
            assertEquals(60, stats.finished() + stats.cancelled());
            for (int i = 0; i < 60; i += 2) {
                assertChoicesAreThoseAlone(engine, requests.get(i), answers.get(i));
            }
        }
    }

    @Test
    void prompt_isComputedOnce_andTheRequestCountsOnce() {
        try (var engine = start("quire.cache.prefix", "off", "quire.batch.sequences", "8")) {
            long before = engine.stats().promptTokens();
            Answer.to(engine, request(100, 10, 8)).await();
            assertEveryBlockIsFree(engine);
            EngineStats after = engine.stats();
            assertEquals(100, after.promptTokens() - before);
            assertEquals(1, after.finished());
            assertEquals(0, after.cancelled() + after.failed());
        }
    }

    @Test
    void cachedTokens_areThoseOfARepeatedPrompt_ofTheSameSalt() {
        try (var engine = start()) {
            assertEquals(0, cachedTokens(engine, "", 1));
            assertEquals(48, cachedTokens(engine, "", 1));
            assertEquals(48, cachedTokens(engine, "", 3));
            assertEquals(0, cachedTokens(engine, "a", 3));
            assertEquals(48, cachedTokens(engine, "a", 1));
            assertEquals(0, cachedTokens(engine, "b", 1));
        }
        try (var engine = start("quire.cache.prefix", "off")) {
            assertEquals(0, cachedTokens(engine, "", 1));
            assertEquals(0, cachedTokens(engine, "", 2));
        }
    }

    /// Of a prompt of three blocks and two tokens.
    private static int cachedTokens(InferenceEngine engine, String salt, int choices) {
        var request = new GenerationRequest(
                Requests.prompt(9, 50, 300),
                choices,
                OptionalInt.of(3),
                drawn(1),
                List.of(),
                true,
                0,
                GenerationRequest.NO_LOGPROBS,
                false,
                salt);
        Answer answer = Answer.to(engine, request).await();
        for (int i = 1; i < choices; i++) {
            assertEquals(answer.end(0).cachedTokens(), answer.end(i).cachedTokens());
        }
        return answer.end(0).cachedTokens();
    }

    @Test
    void stopText_endsItsChoiceAlone() {
        try (var engine = start("quire.batch.sequences", "4")) {
            var request = request(10, 60, 3);
            Answer free = Answer.to(engine, request).await();
            String stop = textOfTheSecondOnly(free);
            var stopping = new GenerationRequest(
                    request.prompt(),
                    3,
                    request.maxTokens(),
                    request.sampling(),
                    List.of(stop),
                    true,
                    0,
                    GenerationRequest.NO_LOGPROBS,
                    false,
                    "");
            Answer stopped = Answer.to(engine, stopping).await();
            assertEquals(free.text(0), stopped.text(0));
            assertEquals(free.text(1).substring(0, free.text(1).indexOf(stop)), stopped.text(1));
            assertEquals(free.text(2), stopped.text(2));
            assertEquals(Reason.LENGTH, stopped.end(0).reason());
            assertEquals(Reason.STOP, stopped.end(1).reason());
            assertEquals(60, stopped.end(2).completionTokens());
            assertEveryBlockIsFree(engine);
            assertEquals(2, engine.stats().finished());
            assertEquals(0, engine.stats().cancelled());
        }
    }

    private static String textOfTheSecondOnly(Answer answer) {
        String text = answer.text(1);
        for (int at = 0; at < text.length() - 3; at++) {
            String piece = text.substring(at, at + 3);
            if (!answer.text(0).contains(piece) && !answer.text(2).contains(piece)) {
                return piece;
            }
        }
        throw new AssertionError("choices must differ: text=" + text);
    }

    /// Token 2 ends an answer; the bias makes it as likely as not.
    @Test
    void endTokens_endTheirChoiceAlone() {
        try (var engine = start("quire.batch.sequences", "16")) {
            var reasons = new HashSet<Reason>();
            for (int seed = 0; seed < 20 && reasons.size() < 2; seed++) {
                var likely = new SamplingParameters(1, 1, 0, 0, 0, 0, 1, Map.of(2, 3f), seed);
                var request = new GenerationRequest(
                        Requests.prompt(1, 20, 300),
                        8,
                        OptionalInt.of(12),
                        likely,
                        List.of(),
                        false,
                        0,
                        GenerationRequest.NO_LOGPROBS,
                        false,
                        "");
                Answer answer = Answer.to(engine, request).await();
                reasons.clear();
                for (int i = 0; i < 8; i++) {
                    reasons.add(answer.end(i).reason());
                }
                assertChoicesAreThoseAlone(engine, request, answer);
            }
            assertEquals(2, reasons.size());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 5})
    void scoredPrompt_isToldToEveryChoice(int maxTokens) {
        try (var engine = start("quire.batch.sequences", "4", "quire.batch.tokens", "16")) {
            var request = new GenerationRequest(
                    Requests.prompt(3, 40, 300),
                    3,
                    OptionalInt.of(maxTokens),
                    drawn(5),
                    List.of(),
                    true,
                    0,
                    2,
                    true,
                    "");
            Answer answer = Answer.to(engine, request).await();
            assertEquals(39, answer.promptLogprobs(2).size());
            assertChoicesAreThoseAlone(engine, request, answer);
            assertEveryBlockIsFree(engine);
        }
    }

    @Test
    void logprobSum_isThatOfTheTokensDrawn() {
        try (var engine = start("quire.batch.sequences", "4")) {
            var plain = request(20, 10, 2);
            assertEquals(0, Answer.to(engine, plain).await().end(1).logprobSum());
            var scored = new GenerationRequest(
                    plain.prompt(), 2, plain.maxTokens(), plain.sampling(), List.of(), true, 0, 0, false, "");
            Answer answer = Answer.to(engine, scored).await();
            double sum = answer.logprobs(1).stream()
                    .mapToDouble(TokenLogprob::logprob)
                    .sum();
            assertNotEquals(0, sum);
            assertEquals(sum, answer.end(1).logprobSum(), 1e-9);
        }
    }

    @Test
    void unreadChoices_areGivenUpTogether() {
        try (var engine = start("quire.stream-timeout", "50ms", "quire.batch.sequences", "4")) {
            Answer unread = Answer.to(engine, request(10, 1000, 4), 3);
            until(() -> engine.openStreams() == 0);
            assertEveryBlockIsFree(engine);
            unread.request(1);
            unread.await();
            assertEquals(new Failed("the stream was not read in time"), unread.end());
            assertEquals(1, engine.stats().cancelled());
        }
    }

    /// One event at a time: no choice waits for another's end.
    @Test
    void choices_takeTurns() {
        try (var engine = start("quire.batch.sequences", "4")) {
            Answer answer = Answer.to(engine, request(10, 30, 4), 0);
            assertEveryBlockIsFree(engine);
            until(() -> engine.stats().finished() == 1);
            answer.request(4);
            until(() -> answer.seen() == 4);
            for (int i = 0; i < 4; i++) {
                assertEquals(30, answer.tokens(i).size());
                assertNull(answer.end(i));
            }
            answer.request(4);
            answer.await();
            assertNotNull(answer.end(3));
        }
    }

    @Test
    void submit_moreChoicesThanRunAtOnce_isRefused() {
        try (var engine = start("quire.batch.sequences", "3")) {
            assertEquals(new Submission.TooManyChoices(4, 3), engine.submit(request(10, 5, 4)));
            Answer answer = Answer.to(engine, request(10, 5, 3)).await();
            assertEquals(new Finished(2, Reason.LENGTH, 5, 0, 0), answer.end(2));
            assertFalse(answer.tokens(2).isEmpty());
        }
    }

    @Test
    void close_failsTheRequestOnce() {
        Answer running;
        try (var engine = start("quire.batch.sequences", "4")) {
            running = Answer.to(engine, request(5, 1000, 4));
            until(() -> engine.stats().running() == 4);
        }
        assertEquals(new Failed("the server is shutting down"), running.await().end());
    }
}
