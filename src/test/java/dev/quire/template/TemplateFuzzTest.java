package dev.quire.template;

import static org.junit.jupiter.api.Assertions.assertFalse;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Whatever a template is, it gives a text or one line: templates of {@link TemplateGoldenTest}, changed at random.
class TemplateFuzzTest {
    private static final Limits LIMITS = new Limits(20_000, 1 << 20, 10_000, 4L << 20, 500, 60_000_000_000L);
    private static final String[] PIECES = {
        "{{",
        "}}",
        "{%",
        "%}",
        "{#",
        "#}",
        "-",
        "+",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "'",
        "\"",
        "\\",
        "|",
        ".",
        ",",
        ":",
        "%s",
        "{}",
        "{0!r:>9}",
        "-1",
        "99999999999999999999",
        "1e308",
        "0.1",
        " if ",
        " else ",
        " in ",
        " is ",
        "not ",
        "**",
        "//",
        "~",
        "%",
        "none",
        "true",
        "nothing",
        "l",
        "d",
        "s",
        "users",
        "👍",
        "\ud800",
        "\u0000",
        "\n",
        "raw",
        "endraw",
        "{% raw %}",
        "for i in l",
        "endfor",
        "loop",
        "caller",
        "varargs",
        "*l",
        "**d",
        "namespace()",
        "[::-1]",
        ".format(l)",
        "|join",
        "|tojson",
        "|sort",
        "|map('upper')",
        "\\N{",
        "\\x4",
        "0x",
        "1_",
        "_",
        ".__class__"
    };

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void render_changedTemplate_isTextOrOneLine(long seed) throws IOException {
        JsonNode document = TemplateGoldenTest.read("/template/cases.json.gz");
        var variables =
                new ObjectMapper().convertValue(document.get("variables"), new TypeReference<Map<String, Object>>() {});
        List<String> sources = new ArrayList<>();
        document.get("table").forEach(one -> sources.add(one.get(0).textValue()));
        document.get("random").forEach(one -> sources.add(one.get(0).textValue()));
        var random = new Random(seed);
        for (int i = 0; i < 5_000; i++) {
            String source = changed(sources.get(random.nextInt(sources.size())), sources, random);
            try {
                Template.parse(source).render(variables, LIMITS, System::nanoTime, LocalDateTime::now);
            } catch (TemplateException e) {
                assertFalse(e.getMessage().isBlank(), source);
            } catch (RuntimeException | Error e) {
                throw new AssertionError("must be refused: template=" + source, e);
            }
        }
    }

    private static String changed(String source, List<String> sources, Random random) {
        var text = new StringBuilder(source);
        for (int i = random.nextInt(4); i >= 0; i--) {
            int at = random.nextInt(text.length() + 1);
            int end = Math.min(text.length(), at + random.nextInt(8));
            switch (random.nextInt(5)) {
                case 0 -> text.delete(at, end);
                case 1 -> text.insert(at, PIECES[random.nextInt(PIECES.length)]);
                case 2 -> text.replace(at, end, PIECES[random.nextInt(PIECES.length)]);
                case 3 -> text.insert(at, text.substring(at, end));
                default -> {
                    String other = sources.get(random.nextInt(sources.size()));
                    int from = random.nextInt(other.length() + 1);
                    text.insert(at, other, from, Math.min(other.length(), from + random.nextInt(20)));
                }
            }
        }
        return text.toString();
    }
}
