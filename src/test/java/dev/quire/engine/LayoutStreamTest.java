package dev.quire.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.sampling.SamplingParameters;
import dev.quire.scheduler.Sequence;
import dev.quire.scheduler.TokenBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// The same requests in every layout: the same tokens, alone or together, in pools so small that sequences wait,
/// are preempted and move.
class LayoutStreamTest {
    private static final int ROUNDS = 5_000;

    static Stream<List<String>> layouts() {
        List<List<String>> layouts = new ArrayList<>();
        layouts.add(List.of("quire.cache.layout", "paged"));
        layouts.add(List.of("quire.cache.layout", "paged", "quire.cache.prefix", "off"));
        layouts.add(List.of("quire.cache.preemption", "swap", "quire.cache.swap", "100KiB"));
        layouts.add(List.of("quire.cache.preemption", "swap", "quire.cache.swap", "100MiB"));
        layouts.add(
                List.of("quire.cache.preemption", "swap", "quire.cache.swap", "100MiB", "quire.cache.prefix", "off"));
        layouts.add(
                List.of("quire.backend", "reference", "quire.cache.preemption", "swap", "quire.cache.swap", "1MiB"));
        layouts.add(List.of("quire.cache.layout", "none"));
        layouts.add(List.of("quire.cache.admission", "worst-case"));
        for (String fit : List.of("first", "best", "buddy")) {
            for (String reserve : List.of("model", "request", "estimate")) {
                layouts.add(List.of(
                        "quire.cache.layout",
                        "contiguous",
                        "quire.cache.contiguous.fit",
                        fit,
                        "quire.cache.contiguous.reserve",
                        reserve,
                        "quire.cache.contiguous.estimate",
                        "4"));
            }
        }
        return layouts.stream();
    }

    @ParameterizedTest
    @MethodSource("layouts")
    void streams_areTheSame(List<String> layout) {
        String backend = layout.contains("reference") ? "reference" : "cpu";
        List<int[]> expected = run(List.of("quire.backend", backend, "quire.cache.prefix", "off"), "256");
        for (String blocks : List.of("256", "16")) {
            List<int[]> streams = run(layout, blocks);
            for (int i = 0; i < streams.size(); i++) {
                assertEquals(Arrays.toString(expected.get(i)), Arrays.toString(streams.get(i)), layout + ", " + i);
            }
        }
    }

    private static List<int[]> run(List<String> layout, String blocks) {
        List<String> settings = new ArrayList<>(layout);
        settings.addAll(
                List.of("quire.cache.blocks", blocks, "quire.context-length", "128", "quire.batch.tokens", "64"));
        var inbox = new Inbox(100);
        var outbox = new Outbox(Duration.ofMinutes(1).toNanos());
        try (ModelLoading loading = ModelLoading.open(TestSettings.of(settings.toArray(String[]::new)))) {
            loading.warmUp();
            var loop = new EngineLoop(inbox, outbox, new StatsBoard(inbox), loading);
            List<Sequence> all = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                int choices = i % 3 == 2 ? 3 : 1;
                var group = Sequence.group(spec(i), choices, loading.layout());
                assertTrue(inbox.offer(group.getFirst()));
                all.addAll(group);
            }
            int turns = 0;
            while (loop.turn()) {
                loading.scheduler().checkInvariants();
                assertTrue(++turns < ROUNDS, "requests must come to an end");
            }
            assertEquals(0, loading.pool().inUse());
            return all.stream().map(LayoutStreamTest::tokens).toList();
        }
    }

    private static Sequence.Spec spec(int i) {
        var sampling = i % 2 == 0
                ? SamplingParameters.greedy()
                : new SamplingParameters(0.9f, 0.95f, 0, 0, 0, 0, 1, Map.of(), i);
        return new Sequence.Spec(
                10L * i,
                0,
                Requests.prompt(i / 2, 10 + 7 * i, 300),
                20 + i,
                sampling,
                new BitSet(),
                TokenBuffer.NO_LOGPROBS,
                false,
                "");
    }

    private static int[] tokens(Sequence sequence) {
        assertEquals(TokenBuffer.Ending.LENGTH, sequence.output().ending());
        int[] tokens = new int[sequence.output().count()];
        Arrays.setAll(tokens, sequence.output()::token);
        return tokens;
    }
}
