package dev.quire.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeout;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AutomatonTest {
    private static final String[] CHARACTERS = {"a", "b", "c", " ", "\n", "é", "中", "👍"};

    /// The naive twin is Java's backtracking matcher, which reads these patterns the same way.
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void randomPatterns_agreeWithBacktracking(long seed) {
        var random = new Random(seed);
        for (int round = 0; round < 500; ) {
            String pattern = choice(random, 2);
            Automaton automaton;
            try {
                automaton = Automaton.overText(PatternParser.parse(pattern));
            } catch (PatternException e) { // may match nothing, repeats what does, or is too large
                continue;
            }
            Pattern twin = Pattern.compile(pattern);
            for (int i = 0; i < 20; i++) {
                check(automaton, twin, text(random, random.nextInt(9)));
            }
            round++;
        }
    }

    /// Long texts in which a match ends far in front of where it was decided, from every position: what was remembered
    /// as in vain must be so.
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\\s+$",
                "a*b",
                "(?:ab)*c|a",
                "a{3}(?:a{7})*b|a",
                "\\s*[\\n]+|\\s+(?!\\S)|\\s+",
                "[ab]*c|[bc]*a|.",
            })
    void longRuns_agreeWithBacktracking(String pattern) {
        Automaton automaton = Automaton.overText(PatternParser.parse(pattern));
        Pattern twin = Pattern.compile(pattern, Pattern.MULTILINE);
        var random = new Random(1);
        for (int round = 0; round < 20; round++) {
            var text = new StringBuilder();
            for (int run = 0; run < 4; run++) {
                String unit = List.of("a", " ", "ab", " \n", "b", "c", "中").get(random.nextInt(7));
                text.append(unit.repeat(1 + random.nextInt(300)));
            }
            check(automaton, twin, text.toString());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"a*b", "(?:a|aa)+b", "a{100}b|a{50}c"})
    void matchEnd_inVainFromEveryPosition_isLinear(String pattern) {
        Automaton automaton = Automaton.overText(PatternParser.parse(pattern));
        byte[] text = "a".repeat(1 << 20).getBytes(StandardCharsets.US_ASCII);
        var deadEnds = new DeadEnds();
        assertTimeout(Duration.ofSeconds(20), () -> {
            for (int i = 0; i < text.length; i++) {
                assertEquals(-1, automaton.matchEnd(text, i, text.length, deadEnds));
            }
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"a*", "a?|b", "(?=a)", "$", "a{0,3}", "(?!a)", "|a", ""})
    void of_patternThatMatchesNothing_isRefused(String pattern) {
        assertRefused("pattern must not match the empty text", pattern);
    }

    /// How often an empty match is repeated differs between matchers.
    @ParameterizedTest
    @ValueSource(strings = {"(?:a*)*b", "(?:a?|b)+c", "(?:a*b*){2}c"})
    void of_repetitionOfNothing_isRefused(String pattern) {
        assertRefused("repeated group must not match the empty text", pattern);
    }

    /// Two to the power of 30 states, or as much work.
    @Test
    void of_patternThatExplodes_isRefused() {
        assertRefused("pattern must need at most 4096 states", "[ab]*a[ab]{30}");
        assertRefused("pattern must need at most 20000 steps", "(?:(?:a{100}){100}){100}");
    }

    @Test
    void of_possessiveQuantifier_isTakenWhereItMeansTheSameAsAGreedyOne() {
        check(Automaton.overText(PatternParser.parse("a++b")), Pattern.compile("a++b"), "aaab");
        check(Automaton.overText(PatternParser.parse(" ?a++[\\n]*")), Pattern.compile(" ?a++[\\n]*"), " aa\n\naa");
        for (String pattern : List.of("a?+[^b]", "[^c]++[\\r\\n]+", "(?:a++b?)*a", "a++(?!c)")) {
            assertRefused("possessive quantifier must mean the same as a greedy one", pattern);
        }
    }

    private static void assertRefused(String message, String pattern) {
        var e = assertThrows(
                PatternException.class, () -> Automaton.overText(PatternParser.parse(pattern)), () -> pattern);
        assertEquals(message, e.getMessage());
    }

    private static void check(Automaton automaton, Pattern twin, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        var matcher = twin.matcher(text);
        var deadEnds = new DeadEnds();
        for (int i = 0, at = 0; i < text.length(); i += Character.charCount(text.codePointAt(i))) {
            matcher.region(i, text.length());
            matcher.useTransparentBounds(true);
            int expected =
                    matcher.lookingAt() ? text.substring(0, matcher.end()).getBytes(StandardCharsets.UTF_8).length : -1;
            assertEquals(
                    expected, automaton.matchEnd(bytes, at, bytes.length, deadEnds), twin + " at " + i + " of " + text);
            at += Character.toString(text.codePointAt(i)).getBytes(StandardCharsets.UTF_8).length;
        }
    }

    private static String text(Random random, int length) {
        var text = new StringBuilder();
        for (int i = 0; i < length; i++) {
            text.append(CHARACTERS[random.nextInt(CHARACTERS.length)]);
        }
        return text.toString();
    }

    private static String choice(Random random, int depth) {
        String first = sequence(random, depth);
        return random.nextInt(3) == 0 ? first + "|" + choice(random, depth - 1) : first;
    }

    private static String sequence(Random random, int depth) {
        var sequence = new StringBuilder();
        for (int i = 1 + random.nextInt(3); i > 0; i--) {
            sequence.append(atom(random, depth)).append(quantifier(random));
        }
        if (random.nextInt(4) == 0) {
            sequence.append(List.of("(?!a)", "(?=[ab])", "(?!\\S)", "(?= |b)").get(random.nextInt(4)));
        }
        return sequence.toString();
    }

    private static String atom(Random random, int depth) {
        if (depth > 0 && random.nextInt(3) == 0) {
            return "(?:" + choice(random, depth - 1) + ")";
        }
        return List.of("a", "b", "c", "[ab]", "[^a]", "\\S", "é", "[中👍]", "\\n", "[a-c&&[^b]]")
                .get(random.nextInt(10));
    }

    private static String quantifier(Random random) {
        return List.of("", "", "", "*", "+", "?", "{2}", "{1,3}", "*?", "+?", "??")
                .get(random.nextInt(11));
    }
}
