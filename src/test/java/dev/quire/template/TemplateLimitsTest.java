package dev.quire.template;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What a hostile template is refused for: time, memory, depth and reach. Each gives one line.
class TemplateLimitsTest {
    /// A fraction of the standard, so that the tests are quick; text is as long as there.
    private static final Limits LIMITS = new Limits(500_000, 16 << 20, 100_000, 32L << 20, 500, 60_000_000_000L);

    private static final int STACK_BYTES = 512 << 10;

    /// Without a bound these would run for hours or take all memory.
    @ParameterizedTest
    @CsvSource(delimiterString = " => ", quoteCharacter = '`', textBlock = """
            {{ 'x' * 10 ** 9 }} => text must not be longer
            {{ 10 ** 9 * 'x' }} => text must not be longer
            {{ [0] * 10 ** 9 }} => collection must not be larger
            {{ (1, 2) * 10 ** 9 }} => collection must not be larger
            {{ range(10 ** 12) }} => Range too big
            {{ range(0, 10 ** 30, 1) }} => Range too big
            {{ 10 ** (10 ** 10) }} => number must not be larger
            {{ 2 ** 99999 }} => number must not be larger
            {{ (2 ** 19999) * (2 ** 19999) }} => number must not be larger
            {{ 10 ** 4500 }} => Exceeds the limit (4300 digits)
            {{ 'a'.center(10 ** 9) }} => text must not be longer
            {{ 'a'.zfill(10 ** 9) }} => text must not be longer
            {{ 'a'.ljust(2 ** 40) }} => text must not be longer
            {{ 'a\\t'.expandtabs(10 ** 9) }} => text must not be longer
            {{ '%999999999d' % 1 }} => text must not be longer
            {{ '%.999999999f' % 1 }} => precision must not be larger
            {{ '%*d' % (10 ** 9, 1) }} => text must not be longer
            {{ '{:999999999}'.format(1) }} => text must not be longer
            {{ '{:.99999999f}'.format(1) }} => precision must not be larger
            {{ ('x' * 9999).replace('', 'y' * 9999) }} => text must not be longer
            {{ ('x' * 9999).replace('x', 'y' * 9999) }} => text must not be longer
            {{ ('y' * 9999).join('x' * 9999) }} => text must not be longer
            {{ range(9999)|join('y' * 9999) }} => text must not be longer
            {{ ('x\\n' * 9999)|indent(9999) }} => text must not be longer
            {{ 'x'|indent(10 ** 9) }} => text must not be longer
            {{ [1]|tojson(indent=10 ** 9) }} => text must not be longer
            {{ [[[1]]]|tojson(indent='x' * 9999999) }} => text must not be longer
            {{ [1]|batch(10 ** 9, 0)|list }} => collection must not be larger
            {{ [1]|slice(10 ** 9)|list }} => collection must not be larger
            {{ ('x ' * 9999999).split() }} => text must not be longer
            {{ ('x ' * 2999999).split() }} => collection must not be larger
            {{ ('x' * 9999999)|list }} => collection must not be larger
            {{ ('x' * 2999999).split('x') }} => collection must not be larger
            {{ ('x\\n' * 2999999).splitlines() }} => collection must not be larger
            {{ ('<' * 9999999)|e }} => text must not be longer
            {{ ('é' * 9999999)|urlencode }} => text must not be longer
            {% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %} => template must not take more steps
            {% for i in range(99999) if range(99999)|sum < 0 %}{% endfor %} => must not take more
            {% for i in range(99999) %}{{ 'xxxxxxxxxx' * 1000 }}{% endfor %} => must not
            {% for i in range(99999) %}{% set x = 'x' * 99999 %}{% endfor %} => must not take more
            {% for i in range(99999) %}{% set x = range(999)|list %}{% endfor %} => must not take more
            {% for i in range(99999) %}{{ 'x' in 'y' * 99999 }}{% endfor %} => must not take more
            {{ ('a' * 1999999).find('a' * 999999 + 'b') }} => must not take more
            {{ ('a' * 999999 + 'b') in 'a' * 1999999 }} => must not take more
            {{ ('b' * 1999999).count('b' * 999999 + 'a') }} => must not take more
            {{ ('a' * 1999999).split('a' * 999999 + 'b') }} => must not take more
            {{ ('a' * 1999999).replace('a' * 999999 + 'b', '') }} => must not take more
            {{ ('a' * 1999999).startswith(('a' * 999999,) * 9999) }} => must not take more
            {{ (['A' * 99999] * 9999)|sort }} => must not take more
            {{ (['A' * 99999] * 9999)|unique|list }} => must not take more
            {% macro m() %}{{ m() }}{% endmacro %}{{ m() }} => nesting must not be deeper
            {% macro m(f) %}{{ f(f) }}{% endmacro %}{{ m(m) }} => nesting must not be deeper
            {% macro m() %}{% call m() %}{% endcall %}{{ caller }}{% endmacro %}{{ m() }} => nesting must not be deeper
            {% for x in [[1]] recursive %}{{ loop([[1]]) }}{% endfor %} => nesting must not be deeper
            """)
    void render_withoutBounds_isRefused(String source, String message) {
        String found = refusal(source);
        assertTrue(found.contains(message), found);
        assertTrue(found.endsWith("line=1"), found);
    }

    /// Time as the square of the length would be minutes or more.
    @ParameterizedTest
    @CsvSource(delimiterString = " => ", quoteCharacter = '`', textBlock = """
            {{ ('-' * 399999)|wordwrap(9999999)|length }} => 399999
            {{ ('ab' * 199999).strip('cd' * 299999 + 'ab') }} => ``
            {{ ('ß' * 399999)|upper|length }} => 799998
            {{ ('İ' * 399999)|lower|length }} => 799998
            {{ ('Σ.' * 399999)|lower|length }} => 799998
            {{ ('aΣ' * 399999).title()|length }} => 799998
            {{ ('a ' * 99999).rsplit()|length }} => 99999
            """)
    void render_longTexts_takesTimeInProportion(String source, String text) {
        var wide = new Limits(10_000_000, 16 << 20, 1_000_000, 128L << 20, 500, 60_000_000_000L);
        assertEquals(text, Template.parse(source).render(Map.of(), wide, System::nanoTime, LocalDateTime::now));
    }

    @Test
    void standardLimits_areTheSameInKind() {
        assertEquals(LIMITS.textLength(), Limits.STANDARD.textLength());
        assertEquals(LIMITS.depth(), Limits.STANDARD.depth());
        var e = assertThrows(TemplateException.class, () -> Template.parse("{{ 'x' * 10 ** 9 }}")
                .render(Map.of()));
        assertEquals("text must not be longer: length=1000000000, longest=16777216, line=1", e.getMessage());
    }

    /// What grows within a loop, by whatever operation.
    @ParameterizedTest
    @ValueSource(
            strings = {
                "ns.a + ns.a",
                "ns.a ~ ns.a",
                "ns.a * 8",
                "ns.a.replace('a', 'aaaa')",
                "ns.a.join(ns.a)",
                "'%s%s' % (ns.a, ns.a)",
                "'{0}{0}'.format(ns.a)",
                "ns.a|replace('a', 'aa')",
                "[ns.a, ns.a]|join",
                "ns.a|list + ns.a|list",
                "(ns.a, ns.a)|string",
                "[ns.a, ns.a]|tojson",
                "ns.a|indent(ns.a|length, true)",
                "ns.a|center(ns.a|length * 2)",
                "ns.a|safe + ns.a",
                "ns.a.split('') if false else ns.a.upper() * 2",
                "[ns.a] * 2|int",
                "'%s'|format(ns.a) * 2",
                "ns.a|urlencode * 2",
                "dict(a=ns.a, b=ns.a)|string"
            })
    void render_growth_isRefused(String step) {
        String found = refusal("{% set ns = namespace(a='aaaaaaaa') %}{% for i in range(999) %}{% set ns.a = " + step
                + " %}{% set x = ns.a|string %}{% endfor %}");
        assertTrue(found.contains(" must not "), found);
    }

    /// A list that holds another twice, and so on, is small, but has 2^50 parts when it is walked.
    @ParameterizedTest
    @ValueSource(
            strings = {
                "{{ ns.a }}",
                "{{ ns.a|tojson }}",
                "{{ ns.a == ns.b }}",
                "{{ ns.a < ns.b }}",
                "{{ {ns.t: 1} }}",
                "{{ ns.a in [ns.b] }}",
                "{{ [ns.a, ns.b]|sort }}",
                "{{ [ns.t]|unique|list }}",
                "{{ ns.t ~ '' }}",
                "{{ ns.d == ns.e }}",
                "{{ ns.d|string }}",
                "{{ '%r' % (ns.a,) }}",
                "{{ '{}'.format(ns.a) }}"
            })
    void render_sharedParts_isRefused(String use) {
        String found = refusal("{% set ns = namespace(a=[], b=[], t=(), d={}, e={}) %}{% for i in range(50) %}"
                + "{% set ns.a = [ns.a, ns.a] %}{% set ns.b = [ns.b, ns.b] %}{% set ns.t = (ns.t, ns.t) %}"
                + "{% set ns.d = {1: ns.d, 2: ns.d} %}{% set ns.e = {1: ns.e, 2: ns.e} %}{% endfor %}" + use);
        assertTrue(found.contains(" must not "), found);
    }

    @ParameterizedTest
    @ValueSource(strings = {"{{ ns.a }}", "{{ ns.a|tojson }}", "{{ ns.a == ns.b }}", "{{ ns.a < ns.b }}", "{{ ns }}"})
    void render_deepValues_areRefused(String use) {
        String found = refusal("{% set ns = namespace(a=[], b=[]) %}{% for i in range(9999) %}"
                + "{% set ns.a = [ns.a] %}{% set ns.b = [ns.b] %}{% endfor %}{% set ns.self = ns %}" + use);
        assertTrue(found.startsWith("nesting must not be deeper"), found);
    }

    static Stream<String> deepTemplates() {
        int deep = 100_000;
        return Stream.of(
                "{{ " + "(".repeat(deep) + "1" + ")".repeat(deep) + " }}",
                "{{ " + "[".repeat(deep) + "]".repeat(deep) + " }}",
                "{{ " + "{1:".repeat(deep) + "1" + "}".repeat(deep) + " }}",
                "{{ " + "-".repeat(deep) + "1 }}",
                "{{ " + "not ".repeat(deep) + "1 }}",
                "{{ 1" + " if 1 else 1".repeat(deep) + " }}",
                "{{ 1" + " + 1".repeat(deep) + " }}",
                "{{ 1" + " and 1".repeat(deep) + " }}",
                "{{ x" + ".x".repeat(deep) + " }}",
                "{{ x" + "|upper".repeat(deep) + " }}",
                "{{ x" + "()".repeat(deep) + " }}",
                "{{ x" + "[x".repeat(deep) + "]".repeat(deep) + " }}",
                "{% if 1 %}".repeat(deep) + "{% endif %}".repeat(deep),
                "{% for i in [1] %}".repeat(deep) + "{% endfor %}".repeat(deep),
                "{% set " + "(".repeat(deep) + "a" + ")".repeat(deep) + " = 1 %}",
                "{% set x %}".repeat(deep) + "{% endset %}".repeat(deep));
    }

    /// On a stack of half the usual size: the bound is what ends them, not the stack.
    @ParameterizedTest
    @MethodSource("deepTemplates")
    void parse_deepTemplate_isRefused(String source) throws InterruptedException {
        String found = onSmallStack(source);
        assertTrue(found.startsWith("nesting must not be deeper: deepest="), found);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
                "{% macro m(x) %}{% for i in [1] %}{% if 1 %}{{ (('a' ~ m(x))|upper)|lower }}{% endif %}{% endfor %}"
                        + "{% endmacro %}{{ m(1) }}",
                "{% for x in [[1]] recursive %}{{ loop([[1]]) }}{% endfor %}",
                "{% macro m() %}{% call m() %}{{ caller() }}{% endcall %}{% endmacro %}{{ m() }}",
                "{% set ns = namespace(a=[]) %}{% for i in range(9999) %}{% set ns.a = {1: [ns.a]} %}{% endfor %}{{ ns.a }}"
            })
    void render_deepCalls_areRefusedBeforeTheStackIsFull(String source) throws InterruptedException {
        String found = onSmallStack(source);
        assertTrue(found.startsWith("nesting must not be deeper: deepest="), found);
    }

    private static String onSmallStack(String source) throws InterruptedException {
        List<String> found = Collections.synchronizedList(new ArrayList<>());
        var thread = new Thread(null, () -> found.add(refusal(source)), "small-stack", STACK_BYTES);
        thread.start();
        thread.join();
        return found.get(0);
    }

    /// The clock of this test goes 1 ms further whenever it is looked at.
    @Test
    void render_pastItsTime_isRefused() {
        var clock = new AtomicLong();
        var limits = new Limits(1L << 60, 1 << 20, 1 << 20, 1L << 60, 100, 50_000_000);
        var e = assertThrows(TemplateException.class, () -> Template.parse(
                        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}")
                .render(Map.of(), limits, () -> clock.addAndGet(1_000_000), LocalDateTime::now));
        assertEquals("template must not take more time: millis=50, line=1", e.getMessage());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{{ range(99999)|sort(reverse=true)|list|sum }}",
                "{{ ('x' * 99999)|tojson }}",
                "{{ ('x ' * 9999)|wordwrap(3) }}",
                "{{ ('x' * 99999)|upper|lower|title|indent }}",
                "{{ range(99999)|map('string')|join(',') }}",
                "{{ range(99999)|select('odd')|list == range(99999)|list }}",
                "{{ ('ab' * 9999).split('a')|unique|list }}"
            })
    void render_withinOneFilter_timeIsLookedAt(String source) {
        var limits = new Limits(1L << 60, 1 << 24, 1 << 24, 1L << 60, 100, 0);
        var clock = new AtomicLong();
        var template = Template.parse(source);
        var e = assertThrows(
                TemplateException.class,
                () -> template.render(Map.of(), limits, clock::incrementAndGet, LocalDateTime::now));
        assertEquals("template must not take more time: millis=0, line=1", e.getMessage());
    }

    @ParameterizedTest
    @CsvSource(delimiterString = " => ", quoteCharacter = '`', textBlock = """
            {% include 'application.properties' %} => a chat template must not read other templates: tag=include, line=1
            {% import 'x' as y %} => a chat template must not read other templates: tag=import, line=1
            {% from 'x' import y %} => a chat template must not read other templates: tag=from, line=1
            {% extends 'x' %} => a chat template must not read other templates: tag=extends, line=1
            {{ ''.__class__.__mro__ }} => access to attribute '__class__' of 'str' object is unsafe.: line=1
            {{ range.__globals__.x }} => access to attribute '__globals__' of 'function' object is unsafe.: line=1
            {{ [].append(1) }} => access to attribute 'append' of 'list' object is unsafe.: line=1
            {{ {}.update(a=1) }} => access to attribute 'update' of 'dict' object is unsafe.: line=1
            {{ ''.getClass() }} => 'str object' has no attribute 'getClass': line=1
            {{ namespace().getClass() }} => 'TemplateNamespace object' has no attribute 'getClass': line=1
            {{ lipsum() }} => 'lipsum' is undefined: line=1
            """)
    void render_reachingOut_isRefused(String source, String message) {
        assertEquals(message, refusal(source));
    }

    @Test
    void render_javaObject_isNoVariable() {
        var template = Template.parse("{{ x }}");
        var e = assertThrows(IllegalArgumentException.class, () -> template.render(Map.of("x", new Object())));
        assertEquals("variable must be plain data: class=java.lang.Object", e.getMessage());
    }

    @Test
    void render_longChat_isWithinTheLimits() {
        var messages = new ArrayList<Map<String, Object>>();
        for (int i = 0; i < 500; i++) {
            messages.add(Map.of("role", i % 2 == 0 ? "user" : "assistant", "content", "x".repeat(200)));
        }
        String text = Template.parse(
                        "{% set ns = namespace(t='') %}{% for m in messages %}"
                                + "{% set ns.t = ns.t ~ ('<' + m['role'] + '>' + m.content|trim + '\\n') %}{% endfor %}{{ ns.t|length }}")
                .render(Map.of("messages", messages));
        assertEquals(String.valueOf(250 * (200 + 7 + 200 + 12)), text);
    }

    private static String refusal(String source) {
        var e = assertThrows(TemplateException.class, () -> Template.parse(source)
                .render(Map.of(), LIMITS, System::nanoTime, LocalDateTime::now));
        assertFalse(e.getMessage().contains("\n"), e.getMessage());
        return e.getMessage();
    }
}
