package dev.quire.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.cache.BlockPool;
import dev.quire.format.GgufFile;
import dev.quire.sampling.BeamParameters;
import dev.quire.sampling.BeamParameters.EarlyStopping;
import dev.quire.sampling.BeamRun;
import dev.quire.sampling.NaiveBeamSearch;
import dev.quire.scheduler.BeamGroup;
import dev.quire.scheduler.Sequence;
import dev.quire.scheduler.TokenBuffer;
import dev.quire.tensor.Tensor;
import dev.quire.tensor.TensorType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Beam searches through the step loop: what they find, whatever happens around them, and the blocks they hold.
class BeamStreamTest {
    private static final int BLOCK_SIZE = 16;

    private static BitSet ends(int... tokens) {
        var ends = new BitSet();
        Arrays.stream(tokens).forEach(ends::set);
        return ends;
    }

    /// Searches of all widths and ways to stop, with prompts of less than a block, of whole ones, and longer than
    /// a step. A third of the vocabulary ends an answer where any does, so that hypotheses come at every length.
    private static List<TurnedBeams.Asked> searches() {
        List<TurnedBeams.Asked> searches = new ArrayList<>();
        int[] prompts = {5, 16, 33, 70, 7, 48};
        for (int i = 0; i < prompts.length; i++) {
            var parameters = new BeamParameters(2 + i % 4, i % 2, EarlyStopping.values()[i % 3]);
            BitSet endTokens = i % 3 == 0
                    ? ends()
                    : ends(IntStream.range(0, 15).map(k -> 20 * k + 3).toArray());
            searches.add(new TurnedBeams.Asked(
                    Requests.prompt(i, prompts[i], 300), parameters, endTokens, 12 + 5 * i, 1 + i % 2));
        }
        return searches;
    }

    static Stream<List<String>> layouts() {
        return LayoutStreamTest.layouts();
    }

    private static List<String> with(List<String> settings, String... more) {
        return Stream.concat(settings.stream(), Stream.of(more)).toList();
    }

    /// The largest search of `searches` holds 38 blocks at its longest in layouts that do not share.
    @ParameterizedTest
    @MethodSource("layouts")
    void searches_inCompany_findWhatTheyFindAlone(List<String> layout) {
        String backend = layout.contains("reference") ? "reference" : "cpu";
        List<TurnedBeams.Asked> searches = searches();
        List<List<TurnedBeams.Found>> expected =
                TurnedBeams.alone(List.of("quire.backend", backend, "quire.cache.prefix", "off"), searches);
        for (String blocks : List.of("256", "40")) {
            try (var engine = new TurnedBeams(with(
                    layout,
                    "quire.cache.blocks",
                    blocks,
                    "quire.cache.watermark",
                    "0",
                    "quire.context-length",
                    "128",
                    "quire.batch.tokens",
                    "64"))) {
                List<BeamGroup> groups = new ArrayList<>();
                for (int i = 0; i < searches.size(); i++) {
                    engine.send(Requests.prompt(i, 20 + 9 * i, 300), 30, 0);
                    groups.add(engine.send(searches.get(i)));
                    engine.turn();
                    engine.turn();
                }
                engine.send(Requests.prompt(9, 100, 300), 20, -1); // goes before them all
                engine.run();
                for (int i = 0; i < searches.size(); i++) {
                    assertEquals(expected.get(i), TurnedBeams.found(groups.get(i)), layout + ", " + blocks + ", " + i);
                }
                boolean tight = blocks.equals("40") && !layout.contains("worst-case");
                assertTrue(!tight || engine.scheduler().preemptions() > 0, layout + " must preempt");
            }
        }
    }

    /// A search is what sorting every continuation by its log-probability finds, where those come from ordinary
    /// requests for one token each: bit for bit.
    @ParameterizedTest
    @CsvSource({"tiny-llama-q4_1, 3, 1", "tiny-llama-untied, 5, 0.5", "tiny-qwen3, 16, 1", "tiny-gemma3, 2, -1"})
    void searches_areThoseOfOrdinaryRequests(String model, int width, float lengthPenalty) {
        var settings = List.of("quire.model", "src/test/resources/models/" + model + ".gguf");
        try (var engine = new TurnedBeams(settings)) {
            for (EarlyStopping earlyStopping : EarlyStopping.values()) {
                int[] prompt = Requests.prompt(width, 20, 280);
                BitSet endTokens = ends(7, 41, 103, 200);
                var parameters = new BeamParameters(width, lengthPenalty, earlyStopping);
                BeamGroup group = engine.send(new TurnedBeams.Asked(prompt, parameters, endTokens, 9, width));
                engine.run();
                List<BeamRun.Hypothesis> naive =
                        NaiveBeamSearch.search(likeliest(engine, prompt), parameters, endTokens, 9);
                assertEquals(
                        naive,
                        TurnedBeams.found(group).stream()
                                .map(found -> new BeamRun.Hypothesis(found.tokens(), found.score()))
                                .toList());
            }
        }
    }

    /// Log-probabilities of the 20 likeliest tokens after a prompt and `generated` ones; the others cannot come.
    private static Function<int[], float[]> likeliest(TurnedBeams engine, int[] prompt) {
        Map<List<Integer>, float[]> known = new HashMap<>();
        return generated ->
                known.computeIfAbsent(Arrays.stream(generated).boxed().toList(), _ -> {
                    int[] tokens = Arrays.copyOf(prompt, prompt.length + generated.length);
                    System.arraycopy(generated, 0, tokens, prompt.length, generated.length);
                    TokenBuffer output = engine.scored(tokens);
                    float[] logprobs = new float[engine.loading().model().vocabulary()];
                    Arrays.fill(logprobs, Float.NEGATIVE_INFINITY);
                    for (int rank = 0; rank < 20; rank++) {
                        logprobs[output.topToken(0, rank)] = output.topLogprob(0, rank);
                    }
                    return logprobs;
                });
    }

    /// At each step, each full block of the prompt is there once, held by every live beam, and the group holds no
    /// more blocks than the door reckons with; also after it has given way and was computed again.
    @ParameterizedTest
    @ValueSource(strings = {"on", "off"})
    void prompt_isHeldOnce(String prefix) {
        int promptTokens = 5 * BLOCK_SIZE + 3;
        int width = 4;
        try (var engine = new TurnedBeams(
                List.of("quire.cache.prefix", prefix, "quire.cache.blocks", "40", "quire.cache.watermark", "0"))) {
            BlockPool pool = engine.loading().pool();
            BeamGroup group = engine.send(new TurnedBeams.Asked(
                    Requests.prompt(1, promptTokens, 300),
                    new BeamParameters(width, 1, EarlyStopping.NEVER),
                    ends(),
                    40,
                    width));
            int most = 0;
            Sequence other = null;
            while (engine.turn()) {
                List<Sequence> live = IntStream.range(0, width)
                        .mapToObj(group::beam)
                        .filter(beam -> beam.table().length() > 0)
                        .toList();
                if (live.isEmpty()) {
                    continue;
                }
                List<Sequence> seen = new ArrayList<>();
                engine.scheduler().forEach(seen::add);
                assertTrue(seen.containsAll(live), "inspection sees the beams");
                for (int i = 0; i < 5; i++) {
                    int block = live.getFirst().table().block(i);
                    for (Sequence beam : live) {
                        assertEquals(block, beam.table().block(i), "block of the prompt");
                    }
                    assertEquals(live.size(), pool.refCount(block));
                }
                int tail = live.getFirst().table().blocks() - 5;
                int held = pool.inUse() - (other == null ? 0 : other.table().blocks());
                assertTrue(held <= 5 + live.size() * tail, "held=" + held);
                most = Math.max(most, held);
                if (other == null && group.search().length() == 10) { // beams have a block each, and soon a second one
                    other = engine.send(Requests.prompt(2, 29 * BLOCK_SIZE, 300), 40, -1);
                }
            }
            assertTrue(engine.scheduler().preemptions() > 0);
            assertTrue(most > 5 + width, "beams must have parted: most=" + most);
            assertEquals(0, pool.inUse());
        }
    }

    /// A pool that holds exactly what the door asks for is enough, and one block less is too little.
    @ParameterizedTest
    @MethodSource("layouts")
    void pool_ofWhatTheDoorAsksFor_isEnough(List<String> layout) {
        TurnedBeams.Asked asked = searches().get(3);
        List<String> settings = with(layout, "quire.context-length", "128", "quire.batch.tokens", "64");
        List<List<TurnedBeams.Found>> expected =
                TurnedBeams.alone(with(settings, "quire.cache.blocks", "64"), List.of(asked));
        int needed;
        try (var engine = new TurnedBeams(with(settings, "quire.cache.blocks", "64"))) {
            needed = engine.loading()
                    .layout()
                    .mostBlocks(
                            70 + asked.maxTokens() - 1, 70, asked.parameters().width());
        }
        assertEquals(expected, TurnedBeams.alone(with(settings, "quire.cache.blocks", "" + needed), List.of(asked)));
        try (var engine = new TurnedBeams(with(settings, "quire.cache.blocks", "" + (needed - 1)))) {
            engine.send(asked);
            var e = assertThrows(IllegalArgumentException.class, engine::turn);
            assertEquals(
                    "sequence must fit the pool: neededBlocks=" + needed + ", blocks=" + (needed - 1), e.getMessage());
        }
    }

    /// At whatever step, by the reader of whichever answer: the group ends whole, its blocks are back, and the
    /// sequence beside it goes on.
    @ParameterizedTest
    @ValueSource(strings = {"paged", "contiguous", "none"})
    void cancelled_atAnyStep_endsWhole(String layout) {
        var asked = new TurnedBeams.Asked(
                Requests.prompt(1, 40, 300), new BeamParameters(3, 1, EarlyStopping.NEVER), ends(), 12, 3);
        for (int turns = 0; turns < 12; turns++) {
            try (var engine = new TurnedBeams(List.of(
                    "quire.cache.layout",
                    layout,
                    "quire.context-length",
                    "64",
                    "quire.batch.tokens",
                    "24",
                    "quire.batch.sequences",
                    "8",
                    "quire.cache.blocks",
                    "64"))) {
                BeamGroup group = engine.send(asked);
                Sequence other = engine.send(Requests.prompt(2, 20, 300), 20, 0);
                for (int i = 0; i < turns; i++) {
                    engine.turn();
                }
                engine.cancel(group.answers().get(turns % 3));
                engine.turn();
                for (Sequence answer : group.answers()) {
                    assertEquals(TokenBuffer.Ending.CANCELLED, answer.output().ending());
                    assertEquals(0, answer.output().count());
                    assertEquals(0, answer.table().blocks());
                }
                engine.run();
                assertEquals(TokenBuffer.Ending.LENGTH, other.output().ending());
                assertEquals(1, engine.stats().cancelled());
                assertEquals(1, engine.stats().finished());
            }
        }
    }

    /// A token whose embedding is no number makes every logit after it none.
    @Test
    void beamWithoutAnyNumber_failsItsGroup(@TempDir Path folder) throws IOException {
        Path model = Path.of("src/test/resources/models/tiny-llama-untied.gguf");
        var asked = new TurnedBeams.Asked(
                Requests.prompt(1, 20, 280), new BeamParameters(3, 1, EarlyStopping.NEVER), ends(), 8, 2);
        List<TurnedBeams.Found> right = TurnedBeams.alone(List.of("quire.model", model.toString()), List.of(asked))
                .getFirst();
        int token = right.getFirst().tokens().get(3);
        Path broken = folder.resolve("broken.gguf");
        spoilEmbedding(model, broken, token);
        try (var engine = new TurnedBeams(List.of("quire.model", broken.toString(), "quire.packing", "memory"))) {
            BeamGroup group = engine.send(asked);
            Sequence other = engine.send(prompt(engine, token), 8, 0);
            engine.run();
            for (Sequence answer : group.answers()) {
                assertEquals(TokenBuffer.Ending.FAILED, answer.output().ending());
                String message = "the model gave no number for any token: position=";
                assertTrue(
                        answer.output().failure().startsWith(message),
                        answer.output().failure());
                assertEquals(0, answer.output().count());
            }
            assertEquals(1, engine.stats().failed());
            assertEquals(TokenBuffer.Ending.LENGTH, other.output().ending());
        }
    }

    private static int[] prompt(TurnedBeams engine, int without) {
        return Arrays.stream(Requests.prompt(2, 20, 280))
                .map(id -> id == without ? 3 : id)
                .toArray();
    }

    private static void spoilEmbedding(Path model, Path target, int token) throws IOException {
        try (var file = GgufFile.open(model)) {
            Tensor embedding = file.find("token_embd.weight").orElseThrow();
            assertEquals(TensorType.F16, embedding.type());
            var bytes = ByteBuffer.wrap(Files.readAllBytes(model)).order(ByteOrder.LITTLE_ENDIAN);
            int row = Math.toIntExact(file.offset(embedding) + token * embedding.columns() * Short.BYTES);
            for (int i = 0; i < embedding.columns(); i++) {
                bytes.putShort(row + i * Short.BYTES, Float.floatToFloat16(Float.NaN));
            }
            Files.write(target, bytes.array());
        }
    }

    @Test
    void step_thatTheKernelsRefuse_failsTheGroup() {
        try (var engine = new TurnedBeams(List.of())) {
            BeamGroup group = engine.send(new TurnedBeams.Asked(
                    new int[] {999_999}, new BeamParameters(3, 1, EarlyStopping.NEVER), ends(), 8, 2));
            Sequence other = engine.send(Requests.prompt(2, 20, 300), 4, 1);
            assertTrue(engine.turn());
            for (Sequence answer : group.answers()) {
                assertEquals(TokenBuffer.Ending.FAILED, answer.output().ending());
            }
            engine.run();
            assertEquals(TokenBuffer.Ending.FAILED, other.output().ending(), "it was in the same step");
            assertEquals(2, engine.stats().failed());
        }
    }
}
