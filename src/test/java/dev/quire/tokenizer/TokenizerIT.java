package dev.quire.tokenizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.quire.format.GgufFile;
import dev.quire.store.ModelStore;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// SmolLM2's own vocabulary and template against Hugging Face's. Needs the model in the cache (`quire.home`).
class TokenizerIT {
    private static Tokenizer tokenizer;
    private static ChatTemplate template;

    @BeforeAll
    static void openModel() {
        Path home = Path.of(System.getProperty("quire.home", System.getProperty("user.home") + "/.cache/quire"));
        try (var file = GgufFile.open(new ModelStore(home, true).resolve("smollm2-135m-instruct"))) {
            tokenizer = Tokenizer.from(file.metadata());
            template = ChatTemplate.from(file.metadata());
        }
    }

    @Test
    void encode_goldenTexts_equalsHuggingFace() throws IOException {
        try (var packed = TokenizerIT.class.getResourceAsStream("/tokenizer/vectors.json.gz")) {
            GoldenVectors.read(packed).check(tokenizer, "smollm2");
        }
    }

    /// The prompts of the model's goldens, whose ids Transformers 5.23.0 made.
    @ParameterizedTest
    @ValueSource(strings = {"smollm2", "smollm2-more"})
    void encode_goldenPrompts_equalsTransformers(String name) throws IOException {
        JsonNode golden =
                new ObjectMapper().readTree(TokenizerIT.class.getResourceAsStream("/goldens/" + name + ".json"));
        for (JsonNode prompt : golden.get("prompts")) {
            int[] tokens = prompt.get("prompt_ids")
                    .valueStream()
                    .mapToInt(JsonNode::intValue)
                    .toArray();
            assertArrayEquals(tokens, tokenizer.encode(prompt.get("text").textValue(), true));
        }
    }

    @Test
    void render_defaultSystem_isThatOfTheGoldens() throws IOException {
        JsonNode golden = new ObjectMapper().readTree(TokenizerIT.class.getResourceAsStream("/goldens/smollm2.json"));
        String prompt = golden.get("prompts").get(4).get("text").textValue();
        assertEquals(prompt, template.render(List.of(Map.of("role", "user", "content", "What is gravity?")), true));
    }

    @Test
    void endsGeneration_endOfTurnAndOfText() {
        assertArrayEquals(
                new int[] {0, 2},
                IntStream.range(0, tokenizer.vocabulary())
                        .filter(tokenizer::endsGeneration)
                        .toArray());
    }
}
