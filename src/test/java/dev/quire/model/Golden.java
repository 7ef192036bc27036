package dev.quire.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;

/// Reference outputs of Hugging Face Transformers in float32, made by `src/test/scripts/make_fixtures.py` and
/// `make_goldens.py`: for each prompt its ids, the greedy continuation, how far the best token was ahead at each step,
/// and either all logits or the ten best log-probabilities of the first position.
public record Golden(String name, JsonNode prompt) {
    /// The prompts of a golden file under `src/test/resources`.
    public static List<Golden> read(String resource) {
        try (InputStream in = Golden.class.getResourceAsStream(resource)) {
            List<Golden> goldens = new ArrayList<>();
            JsonNode prompts = new ObjectMapper().readTree(in).get("prompts");
            for (JsonNode prompt : prompts) {
                String name = prompt.path("name").asText(resource + " " + goldens.size());
                goldens.add(new Golden(name, prompt));
            }
            return goldens;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    public String text() {
        return prompt.get("text").asText();
    }

    /// Context length that the model is to be loaded with, where the golden file says so.
    public OptionalInt contextLength() {
        return prompt.has("context_length")
                ? OptionalInt.of(prompt.get("context_length").asInt())
                : OptionalInt.empty();
    }

    public int[] promptIds() {
        return ints(prompt.get("prompt_ids"));
    }

    public int[] greedyIds() {
        return ints(prompt.get("greedy_ids"));
    }

    public float[] margins() {
        return floats(prompt.get("top1_top2_margin"));
    }

    /// Logits after the prompt, `[vocabulary]`.
    public float[] logits() {
        return floats(prompt.get("logits"));
    }

    /// The ten most likely first tokens.
    public int[] topTokens() {
        JsonNode top = prompt.get("first_top10_logprobs");
        int[] tokens = new int[top.size()];
        Arrays.setAll(tokens, i -> top.get(i).get(0).asInt());
        return tokens;
    }

    /// Their log-probabilities.
    public double[] topLogprobs() {
        JsonNode top = prompt.get("first_top10_logprobs");
        double[] logprobs = new double[top.size()];
        Arrays.setAll(logprobs, i -> top.get(i).get(1).asDouble());
        return logprobs;
    }

    /// Prompt and greedy continuation but its last token: what is computed to see every greedy choice.
    public int[] teacherForced() {
        int[] promptIds = promptIds();
        int[] greedyIds = greedyIds();
        int[] tokens = Arrays.copyOf(promptIds, promptIds.length + greedyIds.length - 1);
        System.arraycopy(greedyIds, 0, tokens, promptIds.length, greedyIds.length - 1);
        return tokens;
    }

    public static int argmax(float[] logits) {
        int best = 0;
        for (int token = 1; token < logits.length; token++) {
            if (logits[token] > logits[best]) {
                best = token;
            }
        }
        return best;
    }

    public static double logprob(float[] logits, int token) {
        double largest = logits[argmax(logits)];
        double sum = 0;
        for (float logit : logits) {
            sum += Math.exp(logit - largest);
        }
        return logits[token] - largest - Math.log(sum);
    }

    private static int[] ints(JsonNode array) {
        int[] values = new int[array.size()];
        Arrays.setAll(values, i -> array.get(i).asInt());
        return values;
    }

    private static float[] floats(JsonNode array) {
        float[] values = new float[array.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) array.get(i).asDouble();
        }
        return values;
    }

    @Override
    public String toString() {
        return name;
    }
}
