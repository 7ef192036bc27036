package dev.quire.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class StopMatcherTest {
    @Test
    void noStops_passesTextThrough() {
        var matcher = new StopMatcher(List.of());
        assertEquals("abc", matcher.next("abc"));
        assertEquals("", matcher.finish());
    }

    @Test
    void possibleBeginning_isHeldBack_untilItIsKnown() {
        var matcher = new StopMatcher(List.of("END"));
        assertEquals("ab", matcher.next("abE"));
        assertEquals("", matcher.next("N"));
        assertEquals("ENx", matcher.next("x"));
        assertFalse(matcher.matched());
    }

    @Test
    void match_acrossPieces_endsTheText() {
        var matcher = new StopMatcher(List.of("END"));
        assertEquals("ab", matcher.next("abE"));
        assertEquals("", matcher.next("N"));
        assertEquals("", matcher.next("D and more"));
        assertTrue(matcher.matched());
        assertEquals("", matcher.next("x"));
        assertEquals("", matcher.finish());
    }

    @Test
    void theStopThatIsCompleteFirst_counts() {
        assertEquals("a", new StopMatcher(List.of("cd", "b")).next("abcd"));
        assertEquals("ab", new StopMatcher(List.of("bcde", "c")).next("abcde"));
        assertEquals("a", new StopMatcher(List.of("cd", "bcd")).next("abcde"));
    }

    @Test
    void finish_givesWhatWasHeldBack() {
        var matcher = new StopMatcher(List.of("END"));
        assertEquals("", matcher.next("EN"));
        assertEquals("EN", matcher.finish());
    }

    /// Cut into random pieces, a text gives what cutting it at the first stop text gives.
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void randomPieces_agreeWithSearchingTheWholeText(long seed) {
        var random = new Random(seed);
        for (int round = 0; round < 5_000; round++) {
            String text = word(random, random.nextInt(20));
            List<String> stops = List.of(word(random, 1 + random.nextInt(4)), word(random, 1 + random.nextInt(4)));
            var matcher = new StopMatcher(stops);
            var shown = new StringBuilder();
            for (int at = 0; at < text.length() && !matcher.matched(); ) {
                int end = Math.min(text.length(), at + 1 + random.nextInt(4));
                shown.append(matcher.next(text.substring(at, end)));
                at = end;
            }
            shown.append(matcher.finish());
            assertEquals(cut(text, stops), shown.toString(), text + " " + stops);
        }
    }

    /// The text before the stop text that is complete first, of two that end together the longer.
    private static String cut(String text, List<String> stops) {
        for (int end = 1; end <= text.length(); end++) {
            int begin = Integer.MAX_VALUE;
            for (String stop : stops) {
                if (text.substring(0, end).endsWith(stop)) {
                    begin = Math.min(begin, end - stop.length());
                }
            }
            if (begin != Integer.MAX_VALUE) {
                return text.substring(0, begin);
            }
        }
        return text;
    }

    private static String word(Random random, int length) {
        var word = new StringBuilder();
        for (int i = 0; i < length; i++) {
            word.append((char) ('a' + random.nextInt(3)));
        }
        return word.toString();
    }
}
