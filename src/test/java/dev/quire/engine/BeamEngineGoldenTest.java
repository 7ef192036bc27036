package dev.quire.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.quire.sampling.BeamParameters;
import dev.quire.sampling.BeamParameters.EarlyStopping;
import dev.quire.scheduler.BeamGroup;
import dev.quire.scheduler.TokenBuffer;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Beam searches through the step loop against Hugging Face Transformers': all searches of a model at once, so that
/// they share steps, prompts and blocks. Reference outputs were made by `src/test/scripts/make_beams.py`.
///
/// The reference kernels find the same tokens, and scores equal but for rounding. The CPU's round activations and cache
/// to half precision, which changes a log-probability by hundredths and so which of two nearly equal beams lives; that
/// their searches are those of their own log-probabilities, bit for bit, is told by `BeamStreamTest`.
class BeamEngineGoldenTest {
    /// Largest difference of a sum of log-probabilities, in nats, for each token of the sum: three times the worst
    /// seen, 6.6e-6.
    private static final double TOLERANCE = 2e-5;

    /// The same of the CPU's kernels, where tokens are equal: twice the worst seen, 0.054.
    private static final double CPU_TOLERANCE = 0.1;

    /// Searches of 30, of each model, that the CPU's kernels must find: half of the fewest seen, 9.
    private static final int CPU_EQUAL = 5;

    static Stream<Arguments> models() {
        try (InputStream in = BeamEngineGoldenTest.class.getResourceAsStream("/goldens/beams.json")) {
            JsonNode models = new ObjectMapper().readTree(in).get("models");
            return stream(models).map(model -> Arguments.of(model.get("model").asText(), model.get("prompts")));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("models")
    void searches_referenceKernels_equalTransformers(String model, JsonNode prompts) {
        List<JsonNode> goldens = goldens(prompts);
        List<List<TurnedBeams.Found>> found = search(model, "reference", prompts);
        for (int i = 0; i < goldens.size(); i++) {
            assertEquals(tokens(goldens.get(i)), tokens(found.get(i)), goldens.get(i)::toString);
            checkEnds(goldens.get(i), found.get(i), TOLERANCE);
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("models")
    void searches_cpuKernels_comeCloseToTransformers(String model, JsonNode prompts) {
        List<JsonNode> goldens = goldens(prompts);
        List<List<TurnedBeams.Found>> found = search(model, "cpu", prompts);
        int equal = 0;
        for (int i = 0; i < goldens.size(); i++) {
            if (tokens(goldens.get(i)).equals(tokens(found.get(i)))) {
                checkEnds(goldens.get(i), found.get(i), CPU_TOLERANCE);
                equal++;
            }
        }
        assertTrue(equal >= CPU_EQUAL, "equal=" + equal);
    }

    private static List<List<TurnedBeams.Found>> search(String model, String backend, JsonNode prompts) {
        List<BeamGroup> groups = new ArrayList<>();
        try (var engine = new TurnedBeams(
                List.of("quire.model", "src/test/resources/models/" + model + ".gguf", "quire.backend", backend))) {
            for (JsonNode prompt : prompts) {
                prompt.get("cases")
                        .forEach(golden -> groups.add(engine.send(asked(ints(prompt.get("prompt_ids")), golden))));
            }
            engine.run();
        }
        return groups.stream().map(TurnedBeams::found).toList();
    }

    private static List<JsonNode> goldens(JsonNode prompts) {
        List<JsonNode> goldens =
                stream(prompts).flatMap(prompt -> stream(prompt.get("cases"))).toList();
        assertTrue(goldens.size() >= 24);
        return goldens;
    }

    private static TurnedBeams.Asked asked(int[] prompt, JsonNode golden) {
        var parameters = new BeamParameters(
                golden.get("beam_width").asInt(),
                (float) golden.get("length_penalty").asDouble(),
                earlyStopping(golden.get("early_stopping")));
        var endTokens = new BitSet();
        Arrays.stream(ints(golden.get("end_tokens"))).forEach(endTokens::set);
        return new TurnedBeams.Asked(
                prompt,
                parameters,
                endTokens,
                golden.get("max_tokens").asInt(),
                golden.get("returned").asInt());
    }

    /// Scores and endings of answers whose tokens are right.
    private static void checkEnds(JsonNode golden, List<TurnedBeams.Found> found, double tolerance) {
        BitSet endTokens = asked(new int[1], golden).endTokens();
        for (int i = 0; i < found.size(); i++) {
            TurnedBeams.Found answer = found.get(i);
            int length = answer.tokens().size();
            double penalty = golden.get("length_penalty").asDouble();
            assertEquals(
                    golden.get("scores").get(i).asDouble(),
                    answer.score(),
                    length * tolerance / Math.pow(length, penalty),
                    golden::toString);
            boolean ended = endTokens.get(answer.tokens().getLast());
            assertEquals(ended ? TokenBuffer.Ending.STOP : TokenBuffer.Ending.LENGTH, answer.ending());
        }
    }

    private static List<List<Integer>> tokens(JsonNode golden) {
        return stream(golden.get("tokens"))
                .map(tokens -> Arrays.stream(ints(tokens)).boxed().toList())
                .toList();
    }

    private static List<List<Integer>> tokens(List<TurnedBeams.Found> found) {
        return found.stream().map(TurnedBeams.Found::tokens).toList();
    }

    private static EarlyStopping earlyStopping(JsonNode node) {
        if (node.isTextual()) {
            return EarlyStopping.valueOf(node.asText().toUpperCase(Locale.ROOT));
        }
        return node.asBoolean() ? EarlyStopping.WHEN_FULL : EarlyStopping.HEURISTIC;
    }

    private static int[] ints(JsonNode array) {
        return stream(array).mapToInt(JsonNode::asInt).toArray();
    }

    private static Stream<JsonNode> stream(JsonNode array) {
        return StreamSupport.stream(array.spliterator(), false);
    }
}
