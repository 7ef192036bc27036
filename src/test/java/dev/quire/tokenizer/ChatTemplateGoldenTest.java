package dev.quire.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.quire.format.ModelMetadata;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/// Prompts by Python's jinja2 with Transformers' settings; `src/test/scripts/chat_template_vectors.py` made them.
class ChatTemplateGoldenTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @TestFactory
    Stream<DynamicTest> render_goldenChats_equalsJinja2() throws IOException {
        JsonNode golden =
                JSON.readTree(ChatTemplateGoldenTest.class.getResourceAsStream("/tokenizer/chat_templates.json"));
        var templates = new HashMap<String, ChatTemplate>();
        golden.get("templates")
                .properties()
                .forEach(entry ->
                        templates.put(entry.getKey(), template(entry.getValue().textValue())));
        return golden.get("cases").valueStream().map(one -> {
            String template = one.get("template").textValue();
            boolean adds = one.get("add_generation_prompt").booleanValue();
            String name = template + " " + one.get("chat").textValue() + (adds ? " open" : " closed");
            return DynamicTest.dynamicTest(name, () -> check(templates.get(template), one, adds));
        });
    }

    private static void check(ChatTemplate template, JsonNode one, boolean adds) {
        var messages = JSON.convertValue(one.get("messages"), new TypeReference<List<Map<String, Object>>>() {});
        if (one.has("error")) {
            var e = assertThrows(ChatTemplateException.class, () -> template.render(messages, adds));
            assertEquals(one.get("error").textValue(), e.getMessage());
        } else {
            assertEquals(one.get("text").textValue(), template.render(messages, adds));
        }
    }

    private static ChatTemplate template(String source) {
        var values = new HashMap<>(VocabularyFile.tiny().values());
        values.put(ChatTemplate.TEMPLATE, source);
        return ChatTemplate.from(new ModelMetadata(Path.of("m.gguf"), values));
    }
}
