package dev.quire.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.quire.format.ModelMetadata;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/// The templates of some seventy models with chats of all kinds, against Transformers;
/// `src/test/scripts/chat_cases.py` made the expected hashes, `build/fetch-llama-source` gets the templates.
class ModelTemplatesTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Path TEMPLATES = Path.of("target/llama-cpp-source/models/templates");

    /// The time that the script gives to `strftime_now`.
    private static final LocalDateTime NOW = LocalDateTime.of(2026, 3, 4, 15, 6, 7);

    private record Options(Chat chat, Map<String, String> tokens) {}

    @TestFactory
    Stream<DynamicTest> render_modelsTemplate_equalsTransformers() throws IOException {
        assertTrue(Files.isDirectory(TEMPLATES), "templates must be there, run build/fetch-llama-source: " + TEMPLATES);
        JsonNode document;
        try (var packed = ModelTemplatesTest.class.getResourceAsStream("/template/chats.json.gz");
                var plain = new GZIPInputStream(packed)) {
            document = JSON.readTree(plain);
        }
        var chats = new HashMap<String, JsonNode>();
        document.get("chats").properties().forEach(chat -> chats.put(chat.getKey(), chat.getValue()));
        assertTrue(document.get("results").size() > 65, "templates must be there");
        return document.get("results").properties().stream()
                .map(template -> DynamicTest.dynamicTest(
                        template.getKey(), () -> check(template.getKey(), template.getValue(), chats)));
    }

    private static void check(String name, JsonNode results, Map<String, JsonNode> chats) throws IOException {
        String source = Files.readString(TEMPLATES.resolve(name));
        var problems = new ArrayList<String>();
        for (Map.Entry<String, JsonNode> one : results.properties()) {
            String found = outcome(source, chats.get(one.getKey()));
            JsonNode result = one.getValue();
            String expected = result.get(0).isNull()
                    ? refusal(result.get(1).textValue(), result.get(2).textValue())
                    : result.get(0) + " " + result.get(1).textValue();
            if (!found.startsWith(expected)) {
                problems.add(one.getKey() + ": must be " + expected + ", is " + found);
            }
        }
        assertEquals(List.of(), problems);
    }

    /// What a template itself says is kept word for word, and so are jinja2's own messages; Python's are not.
    private static String refusal(String kind, String message) {
        return switch (kind) {
            case "TemplateError" -> "refused: " + message;
            case "UndefinedError" -> "refused: chat template cannot be rendered: " + message;
            default -> "refused: chat template cannot be ";
        };
    }

    private static String outcome(String source, JsonNode chat) {
        Options options = options(chat);
        String text;
        try {
            text = template(source, options.tokens).render(options.chat, () -> NOW);
        } catch (ChatTemplateException e) {
            return "refused: " + e.getMessage();
        }
        return text.length() + " " + hash(text);
    }

    private static ChatTemplate template(String source, Map<String, String> tokens) {
        String[] names = {tokens.get("bos_token"), tokens.get("eos_token"), "<UNK>", "<PAD>"};
        var values = new HashMap<String, Object>();
        values.put(Vocabulary.TOKENS, names);
        values.put("tokenizer.ggml.bos_token_id", 0L);
        values.put("tokenizer.ggml.eos_token_id", 1L);
        values.put("tokenizer.ggml.unknown_token_id", 2L);
        values.put("tokenizer.ggml.padding_token_id", 3L);
        values.put(ChatTemplate.TEMPLATE, source);
        return ChatTemplate.from(new ModelMetadata(Path.of("m.gguf"), values));
    }

    private static Options options(JsonNode chat) {
        var options = JSON.convertValue(chat.get("options"), new TypeReference<Map<String, Object>>() {});
        var tokens = new HashMap<>(Map.of("bos_token", "<BOS>", "eos_token", "<EOS>"));
        tokens.replaceAll((name, usual) -> options.get(name) instanceof String own ? own : usual);
        boolean adds = Boolean.TRUE.equals(options.remove("add_generation_prompt"));
        options.keySet().removeAll(tokens.keySet());
        options.keySet().removeAll(List.of("tools", "documents"));
        return new Options(
                new Chat(
                        list(chat.get("messages")),
                        Optional.ofNullable(chat.get("options").get("tools")).map(ModelTemplatesTest::list),
                        Optional.ofNullable(chat.get("options").get("documents"))
                                .map(ModelTemplatesTest::list),
                        adds,
                        options),
                tokens);
    }

    private static List<Map<String, Object>> list(JsonNode array) {
        return JSON.convertValue(array, new TypeReference<List<Map<String, Object>>>() {});
    }

    private static String hash(String text) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(digest, 0, 8);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }
}
