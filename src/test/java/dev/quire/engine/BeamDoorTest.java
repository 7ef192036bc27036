package dev.quire.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.sampling.BeamParameters;
import dev.quire.sampling.BeamParameters.EarlyStopping;
import dev.quire.sampling.SamplingParameters;
import dev.quire.scheduler.Sequence;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What a beam search must be to come in.
class BeamDoorTest {
    private static GenerationRequest request(int choices, OptionalInt maxTokens, int width) {
        return request(
                choices, maxTokens, SamplingParameters.greedy(), List.of(), GenerationRequest.NO_LOGPROBS, width);
    }

    private static GenerationRequest request(
            int choices,
            OptionalInt maxTokens,
            SamplingParameters sampling,
            List<String> stop,
            int logprobs,
            int width) {
        return new GenerationRequest(
                Requests.prompt(1, 20, 300),
                choices,
                maxTokens,
                sampling,
                stop,
                false,
                0,
                logprobs,
                false,
                "",
                Optional.of(new BeamParameters(width, 1, EarlyStopping.HEURISTIC)));
    }

    /// Without `max_tokens`: as many as leave room for every beam, and not one more.
    @ParameterizedTest
    @CsvSource({"paged, 1", "paged, 3", "paged, 16", "contiguous, 1", "contiguous, 3", "none, 4"})
    void maxTokens_leftOut_areWhatEveryBeamHasRoomFor(String layout, int width) {
        try (var loading = ModelLoading.open(TestSettings.of(
                "quire.cache.layout",
                layout,
                "quire.cache.blocks",
                "48",
                "quire.batch.sequences",
                "16",
                "quire.cache.contiguous.reserve",
                "request"))) {
            GenerationRequest request = request(1, OptionalInt.empty(), width);
            assertEquals(Optional.empty(), Door.check(request, loading));
            int most = Door.maxTokens(request, loading);
            assertTrue(most >= 1 && blocks(loading, most, width) <= 48, "most=" + most);
            assertTrue(
                    blocks(loading, most + 1, width) > 48
                            || 20 + most == loading.model().contextLength(),
                    "most=" + most);
            assertEquals(Optional.empty(), Door.check(request(1, OptionalInt.of(most), width), loading));
        }
    }

    private static int blocks(ModelLoading loading, int maxTokens, int width) {
        return loading.layout().mostBlocks(Sequence.storedTokens(20, maxTokens), 20, width);
    }

    @Test
    void check_refusesWhatCanNeverRun() {
        try (var loading =
                ModelLoading.open(TestSettings.of("quire.cache.blocks", "48", "quire.batch.sequences", "8"))) {
            assertEquals(
                    Optional.of(new Submission.TooManyChoices(9, 8)),
                    Door.check(request(1, OptionalInt.of(4), 9), loading));
            assertEquals(
                    Optional.of(new Submission.TooLarge(1 + 4 * 13, 48, 16)),
                    Door.check(request(1, OptionalInt.of(14 * 16 - 20 + 1), 4), loading));
            assertEquals(Optional.empty(), Door.check(request(4, OptionalInt.of(100), 4), loading));
        }
    }

    @Test
    void request_refusals() {
        refused("beam_width must be at least n: beam_width=2, n=3", () -> request(3, OptionalInt.of(4), 2));
        refused(
                "stop must not be given with use_beam_search: stop.length=1",
                () -> request(1, OptionalInt.of(4), SamplingParameters.greedy(), List.of("a"), -1, 2));
        refused(
                "logprobs must not be given with use_beam_search: logprobs=0",
                () -> request(1, OptionalInt.of(4), SamplingParameters.greedy(), List.of(), 0, 2));
        var drawn = Requests.mixed(1, 300).sampling();
        refused(
                "sampling must be greedy in a beam search: sampling=" + drawn,
                () -> request(1, OptionalInt.of(4), drawn, List.of(), -1, 2));
        var request = request(1, OptionalInt.of(4), 2);
        refused(
                "scorePrompt must not be set with use_beam_search: scorePrompt=true",
                () -> new GenerationRequest(
                        request.prompt(),
                        1,
                        request.maxTokens(),
                        request.sampling(),
                        List.of(),
                        false,
                        0,
                        -1,
                        true,
                        "",
                        request.beams()));
    }

    private static void refused(String message, Runnable made) {
        assertEquals(
                message, assertThrows(IllegalArgumentException.class, made::run).getMessage());
    }
}
