package dev.quire.template;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Each construct of the language, by itself and put together at random, against Python's jinja2 with
/// Transformers' settings; `src/test/scripts/template_cases.py` made the cases.
class TemplateGoldenTest {
    /// The time that the script gives to `strftime_now`.
    static final LocalDateTime NOW = LocalDateTime.of(2026, 3, 4, 15, 6, 7);

    /// Exceptions of jinja2's own, whose messages are kept word for word; those of Python's built-in types name C
    /// functions and argument positions.
    private static final Set<String> SAME_MESSAGE = Set.of("TemplateError", "UndefinedError", "SecurityError");

    @ParameterizedTest
    @ValueSource(strings = {"table", "random"})
    void render_goldenCases_equalsJinja2(String kind) throws IOException {
        JsonNode document = read("/template/cases.json.gz");
        var variables =
                new ObjectMapper().convertValue(document.get("variables"), new TypeReference<Map<String, Object>>() {});
        var problems = new ArrayList<String>();
        for (JsonNode one : document.get(kind)) {
            String problem = problem(one, variables);
            if (!problem.isEmpty()) {
                problems.add(one.get(0).textValue() + "\n    " + problem);
            }
        }
        assertFalse(document.get(kind).size() < 400, "cases must be there");
        assertEquals(
                List.of(),
                problems,
                () -> problems.size() + " of " + document.get(kind).size());
    }

    static JsonNode read(String resource) throws IOException {
        try (var packed = TemplateGoldenTest.class.getResourceAsStream(resource);
                var plain = new GZIPInputStream(packed)) {
            return new ObjectMapper().readTree(plain);
        }
    }

    private static String problem(JsonNode one, Map<String, Object> variables) {
        String source = one.get(0).textValue();
        String text;
        try {
            text = Template.parse(source).render(variables, Limits.STANDARD, System::nanoTime, () -> NOW);
        } catch (TemplateException e) {
            assertTrue(e.getMessage().lines().count() <= 1, e.getMessage());
            if (one.get(1).isTextual()) {
                return "must be " + one.get(1) + ", failed: " + e.getMessage();
            }
            String expected = one.get(3).textValue();
            boolean same = e.getMessage().startsWith(expected)
                    || !SAME_MESSAGE.contains(one.get(2).textValue());
            return same ? "" : "must fail with " + expected + ", not " + e.getMessage();
        }
        if (!one.get(1).isTextual()) {
            return "must fail with " + one.get(3) + ", is " + text;
        }
        return text.equals(one.get(1).textValue())
                ? ""
                : "must be " + one.get(1) + ", is " + new ObjectMapper().valueToTree(text);
    }
}
