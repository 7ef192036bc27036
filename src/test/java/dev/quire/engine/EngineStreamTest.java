package dev.quire.engine;

import static dev.quire.engine.Engines.assertEveryBlockIsFree;
import static dev.quire.engine.Engines.start;
import static dev.quire.engine.Engines.until;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.engine.GenerationEvent.Finished;
import dev.quire.engine.GenerationEvent.Reason;
import dev.quire.sampling.SamplingParameters;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// The three promises, on the running engine.
class EngineStreamTest {
    @ParameterizedTest
    @ValueSource(strings = {"cpu", "reference"})
    void mixedRequests_inATinyPool_giveTheTokensThatEachGivesAlone(String backend) {
        // 14 blocks hold 224 tokens; the longest request alone can need 12.
        try (var engine = start("quire.cache.blocks", "14", "quire.batch.tokens", "48", "quire.backend", backend)) {
            assertTokensAreThoseAlone(engine, 32);
        }
    }

    /// Promise 1: `requests` of a mix, each alone and then all at once, in a pool that must be too small for all.
    static void assertTokensAreThoseAlone(InferenceEngine engine, int requests) {
        int vocabulary = engine.model().orElseThrow().vocabulary();
        List<List<Integer>> alone = new ArrayList<>();
        for (int i = 0; i < requests; i++) {
            alone.add(Answer.to(engine, Requests.mixed(i, vocabulary)).await().tokens());
        }
        assertEquals(0, engine.stats().preemptions());

        List<Answer> together = new ArrayList<>();
        for (int i = 0; i < requests; i++) {
            together.add(Answer.to(engine, Requests.mixed(i, vocabulary)));
        }
        for (int i = 0; i < requests; i++) {
            Answer answer = together.get(i).await();
            assertEquals(alone.get(i), answer.tokens(), "request=" + i);
            assertInstanceOf(Finished.class, answer.end());
        }
        assertTrue(engine.stats().preemptions() > 0, "the pool must have been too small");
        assertEveryBlockIsFree(engine);
    }

    @Test
    void cancellingHalfOf64Streams_givesTheirBlocksBack_andChangesNoOther() {
        // Blocks for all 64 at their longest, so that all of them run at the same time.
        try (var engine = start("quire.cache.blocks", "4096")) {
            List<List<Integer>> alone = new ArrayList<>();
            for (int i = 0; i < 64; i += 2) {
                alone.add(Answer.to(engine, oneOf64(engine, i)).await().tokens());
            }
            List<Answer> answers = new ArrayList<>();
            for (int i = 0; i < 64; i++) {
                answers.add(Answer.to(engine, oneOf64(engine, i)));
            }
            until(() -> engine.stats().running() == 64);
            for (int i = 1; i < 64; i += 2) {
                answers.get(i).cancel();
            }
            until(() -> engine.stats().cancelled() == 32);
            for (int i = 0; i < 64; i += 2) {
                assertEquals(alone.get(i / 2), answers.get(i).await().tokens(), "request=" + i);
            }
            assertEveryBlockIsFree(engine);
        }
    }

    /// The even ones are kept; all are long, so that none ends before the last has begun.
    private static GenerationRequest oneOf64(InferenceEngine engine, int index) {
        int vocabulary = engine.model().orElseThrow().vocabulary();
        return Requests.greedy(Requests.prompt(index, 20, vocabulary), index % 2 == 0 ? 400 : 1000);
    }

    @Test
    void slowReader_neitherStallsOthersNorHoldsBlocks() {
        try (var engine = start()) {
            int[] prompt = Requests.prompt(3, 10, 300);
            Answer slow = Answer.to(engine, Requests.greedy(prompt, 50), 0);
            Answer other = Answer.to(engine, Requests.greedy(prompt, 50)).await();
            assertEveryBlockIsFree(engine);
            assertEquals(0, slow.seen());
            until(() -> engine.openStreams() == 1);
            slow.request(Long.MAX_VALUE);
            assertEquals(other.tokens(), slow.await().tokens());
            until(() -> engine.openStreams() == 0);
        }
    }

    @Test
    void unreadStream_isGivenUpAfterTheTimeOut_andItsReaderIsTold() {
        try (var engine = start("quire.stream-timeout", "50ms")) {
            Answer unread = Answer.to(engine, Requests.greedy(Requests.prompt(3, 10, 300), 1000), 0);
            until(() -> engine.openStreams() == 0);
            assertEveryBlockIsFree(engine);
            unread.request(1);
            unread.await();
            assertEquals(new GenerationEvent.Failed("the stream was not read in time"), unread.end());
        }
    }

    @Test
    void stopText_endsTheAnswerBeforeIt_andSurplusTokensAreNotCounted() {
        try (var engine = start()) {
            int[] prompt = Requests.prompt(5, 10, 300);
            Answer whole = Answer.to(engine, Requests.greedy(prompt, 40)).await();
            String stop = whole.text()
                    .substring(whole.text().length() / 2, whole.text().length() / 2 + 3);
            var request = new GenerationRequest(
                    prompt,
                    OptionalInt.of(40),
                    SamplingParameters.greedy(),
                    List.of(stop),
                    true,
                    0,
                    GenerationRequest.NO_LOGPROBS,
                    false);
            Answer stopped = Answer.to(engine, request).await();
            assertEquals(whole.text().substring(0, whole.text().indexOf(stop)), stopped.text());
            Finished end = assertInstanceOf(Finished.class, stopped.end());
            assertEquals(Reason.STOP, end.reason());
            assertTrue(end.completionTokens() < 40);
            assertEveryBlockIsFree(engine);
        }
    }

    @Test
    void logprobs_areThoseOfTheChosenToken_andNeverChangeIt() {
        try (var engine = start()) {
            int[] prompt = Requests.prompt(6, 30, 300);
            Answer plain = Answer.to(engine, Requests.greedy(prompt, 20)).await();
            var request = new GenerationRequest(
                    prompt, OptionalInt.of(20), SamplingParameters.greedy(), List.of(), true, 0, 5, true);
            Answer scored = Answer.to(engine, request).await();
            assertEquals(plain.tokens(), scored.tokens());
            assertEquals(20, scored.logprobs().size());
            assertEquals(29, scored.promptLogprobs().size());
            for (TokenLogprob logprob : scored.logprobs()) {
                assertEquals(logprob.token(), logprob.topTokens()[0]);
                assertEquals(logprob.logprob(), logprob.topLogprobs()[0]);
                assertTrue(logprob.topLogprobs()[0] >= logprob.topLogprobs()[4]);
            }
            for (int i = 0; i < 29; i++) {
                assertEquals(prompt[i + 1], scored.promptLogprobs().get(i).token());
            }
        }
    }

    @Test
    void promptLogprobs_areTheSameInOneChunkAndInMany_andAfterPreemption() {
        var request = new GenerationRequest(
                Requests.prompt(6, 100, 300),
                OptionalInt.of(0),
                SamplingParameters.greedy(),
                List.of(),
                true,
                0,
                3,
                true);
        List<Float> first = new ArrayList<>();
        List<Float> second = new ArrayList<>();
        try (var engine = start()) {
            Answer.to(engine, request).await().promptLogprobs().forEach(logprob -> first.add(logprob.logprob()));
        }
        try (var engine = start("quire.batch.tokens", "7", "quire.batch.sequences", "7", "quire.cache.blocks", "8")) {
            Answer beside = Answer.to(engine, Requests.greedy(Requests.prompt(9, 10, 300), 100));
            Answer.to(engine, request).await().promptLogprobs().forEach(logprob -> second.add(logprob.logprob()));
            beside.await();
            assertEveryBlockIsFree(engine);
        }
        assertEquals(99, first.size());
        assertEquals(first, second);
    }

    @Test
    void submit_whatCanNeverFit_isRefusedWithTheNumbers() {
        try (var engine = start("quire.cache.blocks", "4")) {
            assertEquals(
                    new Submission.TooLong(1000, 25, 1024),
                    engine.submit(Requests.greedy(Requests.prompt(1, 1000, 300), 25)));
            assertEquals(
                    new Submission.TooLarge(5, 4, 16), engine.submit(Requests.greedy(Requests.prompt(1, 60, 300), 6)));
            assertInstanceOf(Submission.Accepted.class, engine.submit(Requests.greedy(Requests.prompt(1, 60, 300), 5)));
            assertEquals(
                    new Submission.UnknownToken(
                            "prompt", 999_999, engine.model().orElseThrow().vocabulary()),
                    engine.submit(Requests.greedy(new int[] {999_999}, 5)));
        }
    }

    @Test
    void submit_atTheBounds_isTakenOrRefused() {
        try (var engine = start()) {
            int vocabulary = engine.model().orElseThrow().vocabulary();
            assertEquals(
                    new Submission.UnknownToken("prompt", vocabulary, vocabulary),
                    engine.submit(Requests.greedy(new int[] {1, vocabulary}, 1)));
            for (int token : new int[] {-1, vocabulary}) {
                var biased = new SamplingParameters(0, 1, 0, 0, 0, 0, 1, Map.of(token, 1f), 0);
                assertEquals(
                        new Submission.UnknownToken("logit_bias", token, vocabulary),
                        engine.submit(Requests.of(new int[] {1}, 1, biased)));
            }
            var last = new SamplingParameters(0, 1, 0, 0, 0, 0, 1, Map.of(vocabulary - 1, 1f), 0);
            Answer.to(engine, Requests.of(new int[] {vocabulary - 1}, 1, last)).await();
            Answer whole = Answer.to(engine, Requests.greedy(Requests.prompt(1, 1000, 300), 24));
            assertEquals(24, whole.await().tokens().size());
        }
    }

    @Test
    void withoutMaxTokens_theAnswerFillsWhatContextAndPoolAllow() {
        try (var engine = start("quire.cache.blocks", "4")) {
            var request = new GenerationRequest(
                    Requests.prompt(1, 10, 300),
                    OptionalInt.empty(),
                    SamplingParameters.greedy(),
                    List.of(),
                    true,
                    0,
                    GenerationRequest.NO_LOGPROBS,
                    false);
            Answer answer = Answer.to(engine, request).await();
            assertEquals(new Finished(0, Reason.LENGTH, 4 * 16 + 1 - 10, 0, 0), answer.end());
        }
    }

    @Test
    void submit_beyondTheBound_isRefused_andThoseAcceptedAreAnswered() {
        try (var engine = start("quire.queue.capacity", "3", "quire.batch.sequences", "1")) {
            List<Answer> answers = new ArrayList<>();
            int refused = 0;
            for (int i = 0; i < 20; i++) {
                var request = Requests.greedy(Requests.prompt(i, 5, 300), 200);
                switch (engine.submit(request)) {
                    case Submission.Accepted(var events) -> answers.add(Answer.to(events));
                    case Submission.QueueFull full -> {
                        assertEquals(new Submission.QueueFull(3, 1), full);
                        refused++;
                    }
                    case Submission other -> throw new AssertionError("unexpected: submission=" + other);
                }
            }
            assertTrue(refused > 0);
            answers.forEach(answer -> assertEquals(200, answer.await().tokens().size()));
            assertEveryBlockIsFree(engine);
        }
    }

    @Test
    void close_answersWhatRuns_withAnError() {
        Answer running;
        try (var engine = start()) {
            running = Answer.to(engine, Requests.greedy(Requests.prompt(1, 5, 300), 1000));
            until(() -> engine.stats().running() == 1);
        }
        assertEquals(
                new GenerationEvent.Failed("the server is shutting down"),
                running.await().end());
    }

    @ParameterizedTest
    @CsvSource({
        "quire.cache.blocks, 100000000, quire.cache.blocks must fit the free memory: quire.cache.blocks=100000000",
        "quire.cache.blocks, 0, quire.cache.blocks must be positive: quire.cache.blocks=0",
        "quire.cache.watermark, 1.5, quire.cache.watermark must be at least 0 and below 1: quire.cache.watermark=1.5",
        "quire.context-length, 4096, quire.context-length must be between 2 and the model's",
        "quire.backend, tpu, 'quire.backend must be auto, cpu or reference: quire.backend=tpu'",
        "quire.cpu.isa, mmx, 'isa must be auto, scalar, avx2, avx512, vnni or amx: isa=mmx'",
        "quire.cache.type, fp8, 'quire.cache.type must be auto, bf16, f16 or int8: quire.cache.type=fp8'",
        "quire.batch.sequences, 0, quire.batch.sequences must be positive: quire.batch.sequences=0"
    })
    void start_withASettingThatCannotBeUsed_failsWithOneLine(String setting, String value, String message) {
        try (var engine = InferenceEngine.start(TestSettings.of(setting, value))) {
            assertFalse(engine.awaitReady(60_000));
            assertEquals(EngineStats.State.FAILED, engine.stats().state());
            String reason = engine.stats().stateReason();
            assertTrue(reason.startsWith(message), reason);
            assertEquals(1, reason.lines().count());
        }
    }

    /// Another process holds the lock under which a model is fetched, so this engine's start never comes to its end.
    @Test
    @Timeout(60) // when a close that waits for the start is given up
    void close_whileAModelIsFetched_doesNotWaitForIt(@TempDir Path home) throws IOException {
        Path lock = Files.createDirectories(home.resolve("models")).resolve(".lock");
        String holder = "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.lockf(f, fcntl.LOCK_EX); print('held',"
                + " flush=True); sys.stdin.read()";
        Process other = new ProcessBuilder("python3", "-c", holder, lock.toString()).start();
        try (var held = other.inputReader()) {
            assertEquals("held", held.readLine());
            var engine = InferenceEngine.start(
                    TestSettings.of("quire.model", "smollm2-135m-instruct", "quire.home", home.toString()));
            engine.close();
            assertEquals(EngineStats.State.STOPPED, engine.stats().state());
            assertFalse(engine.awaitReady(0));
        } finally {
            other.destroyForcibly();
        }
    }

    @Test
    void start_onWhatIsNoModel_failsWithOneLine() {
        try (var engine = InferenceEngine.start(TestSettings.of("quire.model", "pom.xml"))) {
            assertFalse(engine.awaitReady(60_000));
            assertEquals(EngineStats.State.FAILED, engine.stats().state());
            assertTrue(
                    engine.stats().stateReason().contains("pom.xml"),
                    engine.stats().stateReason());
            assertInstanceOf(Submission.Unavailable.class, engine.submit(Requests.greedy(new int[] {1}, 1)));
        }
    }
}
