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

    /// What can be moved together, as soon as there is any fragmentation, two blocks between two steps.
    static Stream<List<String>> compactingLayouts() {
        List<List<String>> layouts = new ArrayList<>();
        layouts.add(List.of());
        layouts.add(List.of("quire.cache.prefix", "off"));
        layouts.add(List.of("quire.cache.preemption", "swap", "quire.cache.swap", "100MiB"));
        layouts.add(List.of("quire.backend", "reference"));
        for (String fit : List.of("first", "best", "buddy")) {
            layouts.add(List.of(
                    "quire.cache.layout",
                    "contiguous",
                    "quire.cache.contiguous.fit",
                    fit,
                    "quire.cache.contiguous.reserve",
                    "estimate",
                    "quire.cache.contiguous.estimate",
                    "4"));
        }
        return layouts.stream();
    }

    /// Somebody asks for a compaction again and again, while a run that is needed has room made anyway.
    @ParameterizedTest
    @MethodSource("compactingLayouts")
    void streams_areTheSame_whateverIsMoved(List<String> layout) {
        String backend = layout.contains("reference") ? "reference" : "cpu";
        List<int[]> expected = run(List.of("quire.backend", backend, "quire.cache.prefix", "off"), "256");
        List<String> settings = new ArrayList<>(layout);
        settings.addAll(List.of("quire.cache.compaction.threshold", "0", "quire.cache.compaction.copies", "2"));
        long moved = 0;
        for (String blocks : List.of("64", "16")) {
            Outcome outcome = run(settings, blocks, 3);
            moved += outcome.moved();
            for (int i = 0; i < outcome.streams().size(); i++) {
                assertEquals(
                        Arrays.toString(expected.get(i)),
                        Arrays.toString(outcome.streams().get(i)),
                        layout + ", " + i);
            }
        }
        assertTrue(moved > 10, "blocks must have been moved: moved=" + moved);
    }

    private static List<int[]> run(List<String> layout, String blocks) {
        return run(layout, blocks, ROUNDS).streams();
    }

    /// What came out, and how many blocks compactions have moved meanwhile.
    private record Outcome(List<int[]> streams, long moved) {}

    /// With a compaction asked for before every `compactEvery`-th turn.
    private static Outcome run(List<String> layout, String blocks, int compactEvery) {
        List<String> settings = new ArrayList<>(layout);
        settings.addAll(List.of(
                "quire.cache.blocks",
                blocks,
                "quire.cache.watermark",
                "0", // so that many give way
                "quire.context-length",
                "128",
                "quire.batch.tokens",
                "64"));
        var inbox = new Inbox(100);
        var outbox = new Outbox(Duration.ofMinutes(1).toNanos());
        QuireSettings all = TestSettings.of(settings.toArray(String[]::new));
        try (ModelLoading loading = ModelLoading.open(all)) {
            loading.warmUp();
            var loop = new EngineLoop(inbox, outbox, new StatsBoard(inbox), loading);
            List<Sequence> sequences = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                int choices = i % 3 == 2 ? 3 : 1;
                var group = Sequence.group(spec(i), choices, loading.layout());
                assertTrue(inbox.offer(group.getFirst()));
                sequences.addAll(group);
            }
            int turns = 0;
            while (loop.turn()) {
                loading.scheduler().checkInvariants();
                assertTrue(++turns < ROUNDS, "requests must come to an end");
                if (turns % compactEvery == 0) {
                    loop.compactor().ask(Layouts.compaction(all.cache()));
                }
            }
            assertEquals(0, loading.pool().inUse());
            return new Outcome(
                    sequences.stream().map(LayoutStreamTest::tokens).toList(),
                    loading.pool().moves().blocks());
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
