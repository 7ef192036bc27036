package dev.quire.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.format.ModelFileException;
import dev.quire.format.ModelMetadata;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ChatTemplateTest {
    private static final List<Map<String, Object>> HELLO = List.of(Map.of("role", "user", "content", "Hello"));

    @Test
    void render_tinyModel_isItsFormat() {
        String prompt = ChatTemplate.from(VocabularyFile.tiny()).render(HELLO, true);
        assertEquals("<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n", prompt);
    }

    @Test
    void render_specialTokens_areTheModelsNames() {
        assertEquals(
                "<|im_start|> <|im_end|>",
                template("{{ bos_token }} {{ eos_token }}").render(HELLO, false));
    }

    @Test
    void render_modelWithoutTemplate_isRefused() {
        var values = new HashMap<>(VocabularyFile.tiny().values());
        values.remove(ChatTemplate.TEMPLATE);
        var template = ChatTemplate.from(new ModelMetadata(Path.of("m.gguf"), values));
        assertEquals(
                "the model must have a chat template to take messages: key=tokenizer.chat_template", refusal(template));
    }

    @Test
    void render_otherSpecialTokens_areThereIfTheModelHasThem() {
        var values = new HashMap<>(VocabularyFile.tiny().values());
        values.put(ChatTemplate.TEMPLATE, "{{ unk_token is defined }} {{ pad_token is defined }}");
        values.remove("tokenizer.ggml.unknown_token_id");
        values.put("tokenizer.ggml.padding_token_id", 0L);
        assertEquals(
                "False True",
                ChatTemplate.from(new ModelMetadata(Path.of("m.gguf"), values)).render(HELLO, false));
    }

    @Test
    void render_chatWithTools_takesTheTemplateForTools() {
        var values = new HashMap<>(VocabularyFile.tiny().values());
        values.put(ChatTemplate.TEMPLATE, "plain {{ tools }}");
        values.put("tokenizer.chat_template.tool_use", "tools {{ tools|length }}{{ documents }}{{ x }}");
        var template = ChatTemplate.from(new ModelMetadata(Path.of("m.gguf"), values));
        assertEquals("plain None", template.render(HELLO, false));
        var chat = new Chat(HELLO, Optional.of(List.of(Map.of("a", 1))), Optional.empty(), false, Map.of("x", "y"));
        assertEquals("tools 1Noney", template.render(chat));
    }

    @Test
    void render_onlyNamedTemplates_takesTheDefault() {
        var values = new HashMap<>(VocabularyFile.tiny().values());
        values.remove(ChatTemplate.TEMPLATE);
        values.put(ChatTemplate.TEMPLATES, new String[] {"default", "rag"});
        values.put("tokenizer.chat_template.default", "d");
        assertEquals(
                "d",
                ChatTemplate.from(new ModelMetadata(Path.of("m.gguf"), values)).render(HELLO, false));
    }

    @Test
    void render_reasoning_isThereUnderTheNamesTemplatesKnow() {
        List<Map<String, Object>> messages = List.of(Map.of("role", "assistant", "content", "c", "reasoning", "r"));
        assertEquals(
                "r r",
                template("{{ messages[0].reasoning_content }} {{ messages[0].thinking }}")
                        .render(messages, false));
    }

    @Test
    void render_templateThatCannotBeRead_failsThenAndNotAtLoad() {
        assertEquals(
                "chat template cannot be read: Encountered unknown tag 'nonsense'.: line=2",
                refusal(template("a\n{% nonsense %}")));
    }

    @Test
    void render_undefinedMember_isPythonsMessageAndTheLine() {
        assertEquals(
                "chat template cannot be rendered: 'dict object' has no attribute 'x': line=3",
                refusal(template("a\n\n{{ messages[0].x.y }}")));
    }

    @Test
    void render_raiseException_isItsText() {
        assertEquals("no, thanks", refusal(template("a{{ raise_exception('no,\\n thanks') }}b")));
    }

    @Test
    void render_strftimeNow_isTheDate() {
        assertTrue(
                template("{{ strftime_now('%d %b %Y') }}").render(HELLO, false).matches("\\d\\d [A-Z][a-z]{2} \\d{4}"));
    }

    /// None of these may reach a class, the file system or another template, whether it is refused or renders nothing.
    @ParameterizedTest
    @ValueSource(
            strings = {
                "{{ messages.getClass() }}",
                "{{ ''.getClass().forName('java.lang.Runtime') }}",
                "{{ messages[0].content.class }}",
                "{{ messages[0].content.bytes }}",
                "{{ messages[0].content.getBytes() }}",
                "{{ 1.0.getClass() }}",
                "{{ loop.class.classLoader }}",
                "{{ ____int3rpr3t3r____.config }}",
                "{{ ____int3rpr3t3r____.getContext() }}",
                "{{ messages.iterator() }}",
                "{{ messages.stream() }}",
                "{% include 'application.properties' %}",
                "{% import 'application.properties' as x %}{{ x }}",
                "{% extends 'application.properties' %}",
                "{{ '{{ 1 }}'|render }}"
            })
    void render_reachingOut_givesNothing(String source) {
        String text;
        try {
            text = template(source).render(HELLO, false);
        } catch (ChatTemplateException e) {
            assertFalse(e.getMessage().contains("\n"));
            return;
        }
        assertEquals("", text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{% for m in messages %}",
                "{% if %}x{% endif %}",
                "{{ messages[ }}",
                "{{ nothing() }}",
                "{{ 'a'.nomethod() }}",
                "{% nonsense %}"
            })
    void render_brokenTemplate_isRefusedInOneLine(String source) {
        assertFalse(refusal(template(source)).contains("\n"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{% for i in range(9999) %}{% for j in range(9999) %}{{ j }}{% endfor %}{% endfor %}",
                "{% for i in range(999) %}{% for j in range(999) %}"
                        + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa{% endfor %}{% endfor %}",
                "{% set ns = namespace(a='aaaaaaaaaaaaaaaa') %}"
                        + "{% for i in range(99) %}{% set ns.a = ns.a + ns.a %}{% endfor %}{{ ns.a }}",
                "{% set ns = namespace(a='aaaaaaaaaaaaaaaa') %}"
                        + "{% for i in range(99) %}{% set ns.a = ns.a ~ ns.a %}{% endfor %}{{ ns.a }}",
                "{% set ns = namespace(a='aa') %}"
                        + "{% for i in range(99) %}{% set ns.a = ns.a.replace('a', 'aaaaaaaa') %}{% endfor %}",
                "{% set ns = namespace(a=[1]) %}" + "{% for i in range(99) %}{% set ns.a = ns.a + ns.a %}{% endfor %}"
            })
    void render_withoutEnd_isRefused(String source) {
        refusal(template(source));
    }

    @Test
    void render_userTextWithTemplateSyntax_isLeftAlone() {
        List<Map<String, Object>> messages =
                List.of(Map.of("role", "user", "content", "{{ raise_exception('x') }}{% include 'y' %}\u0001"));
        assertEquals(
                messages.get(0).get("content"),
                template("{{ messages[0].content }}").render(messages, false));
    }

    @Test
    void render_fromManyThreads_agrees() {
        var template = ChatTemplate.from(VocabularyFile.tiny());
        IntStream.range(0, 2000).parallel().forEach(i -> {
            List<Map<String, Object>> messages = List.of(Map.of("role", "user", "content", "c" + i));
            assertEquals("<|im_start|>user\nc" + i + "<|im_end|>\n", template.render(messages, false));
        });
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            value = {
                "[1, 2.5, true, none]|tojson; [1, 2.5, true, null]",
                "{'a': {}, 'b': []}|tojson(indent=1); {\\n \"a\": {},\\n \"b\": []\\n}",
                "'</script>\"\\\\ é'|tojson; \"</script>\\\"\\\\ é\""
            })
    void tojson_value_isAsInPython(String expression, String json) {
        assertEquals(
                json.replace("\\n", "\n"), template("{{ " + expression + " }}").render(HELLO, false));
    }

    @Test
    void from_templateTooLong_isRefused() {
        String message = assertThrows(ModelFileException.class, () -> template("a".repeat((1 << 20) + 1)))
                .getMessage();
        assertEquals("chat template must be at most 1048576 characters long: length=1048577, file=m.gguf", message);
    }

    private static String refusal(ChatTemplate template) {
        return assertThrows(ChatTemplateException.class, () -> template.render(HELLO, false))
                .getMessage();
    }

    private static ChatTemplate template(String source) {
        var values = new HashMap<>(VocabularyFile.tiny().values());
        values.put(ChatTemplate.TEMPLATE, source);
        return ChatTemplate.from(new ModelMetadata(Path.of("m.gguf"), values));
    }
}
