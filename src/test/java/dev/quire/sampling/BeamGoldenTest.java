package dev.quire.sampling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.quire.kernel.ReferenceKernels;
import dev.quire.model.LoadedTransformer;
import dev.quire.sampling.BeamParameters.EarlyStopping;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Beam search over the reference kernels against that of Hugging Face Transformers, on tiny models: the same
/// tokens, and scores equal but for rounding. Reference outputs were made by `src/test/scripts/make_beams.py`.
class BeamGoldenTest {
    /// Largest difference of a sum of log-probabilities, in nats, for each token of the sum: three times the worst
    /// seen, 6.6e-6.
    private static final double TOLERANCE = 2e-5;

    static Stream<Arguments> models() {
        try (InputStream in = BeamGoldenTest.class.getResourceAsStream("/goldens/beams.json")) {
            JsonNode models = new ObjectMapper().readTree(in).get("models");
            return stream(models).map(model -> Arguments.of(model.get("model").asText(), model.get("prompts")));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("models")
    void searches_equalTransformers(String name, JsonNode prompts) {
        Path path = Path.of("src/test/resources/models/" + name + ".gguf");
        try (var transformer = new LoadedTransformer(path, ReferenceKernels::new)) {
            assertEquals(2, prompts.size());
            for (JsonNode prompt : prompts) {
                var model = new PromptedModel(transformer, ints(prompt.get("prompt_ids")));
                assertTrue(prompt.get("cases").size() >= 12);
                for (JsonNode each : prompt.get("cases")) {
                    check(model, each);
                }
            }
        }
    }

    private static void check(PromptedModel model, JsonNode golden) {
        var parameters = new BeamParameters(
                golden.get("beam_width").asInt(),
                (float) golden.get("length_penalty").asDouble(),
                earlyStopping(golden.get("early_stopping")));
        var endTokens = new BitSet();
        Arrays.stream(ints(golden.get("end_tokens"))).forEach(endTokens::set);
        List<BeamRun.Hypothesis> found = BeamRun.of(
                model, parameters, endTokens, golden.get("max_tokens").asInt());
        assertEquals(parameters.width(), found.size(), golden::toString);
        found = found.subList(0, golden.get("returned").asInt());
        assertEquals(
                stream(golden.get("tokens"))
                        .map(tokens -> Arrays.stream(ints(tokens)).boxed().toList())
                        .toList(),
                found.stream().map(BeamRun.Hypothesis::tokens).toList(),
                golden::toString);
        for (int i = 0; i < found.size(); i++) {
            double expected = golden.get("scores").get(i).asDouble();
            int length = found.get(i).tokens().size();
            double tolerance = length * TOLERANCE / Math.pow(length, parameters.lengthPenalty());
            assertEquals(expected, found.get(i).score(), tolerance, golden::toString);
        }
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

    /// What a model says after a prompt and some tokens, computed anew for each but for the prompt, and
    /// remembered.
    private static final class PromptedModel implements Function<int[], float[]> {
        private final LoadedTransformer transformer;
        private final int[] prompt;
        private final float[] first;
        private final Map<List<Integer>, float[]> known = new HashMap<>();

        PromptedModel(LoadedTransformer transformer, int[] prompt) {
            this.transformer = transformer;
            this.prompt = prompt;
            first = logprobs(transformer.logits(prompt, prompt.length - 1)[0]);
        }

        @Override
        public float[] apply(int[] generated) {
            if (generated.length == 0) {
                return first;
            }
            return known.computeIfAbsent(Arrays.stream(generated).boxed().toList(), _ -> compute(generated));
        }

        private float[] compute(int[] generated) {
            int[] tokens = Arrays.copyOf(prompt, prompt.length + generated.length);
            System.arraycopy(generated, 0, tokens, prompt.length, generated.length);
            return logprobs(transformer.logits(tokens, prompt.length, tokens.length - 1)[0]);
        }

        private static float[] logprobs(float[] logits) {
            double largest = Double.NEGATIVE_INFINITY;
            for (float logit : logits) {
                largest = Math.max(largest, logit);
            }
            double total = 0;
            for (float logit : logits) {
                total += Math.exp(logit - largest);
            }
            float[] logprobs = new float[logits.length];
            for (int token = 0; token < logits.length; token++) {
                logprobs[token] = (float) (logits[token] - largest - Math.log(total));
            }
            return logprobs;
        }
    }
}
