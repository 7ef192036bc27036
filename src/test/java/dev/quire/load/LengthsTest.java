package dev.quire.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Locale;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LengthsTest {
    private static final int DRAWS = 100_000;

    @ParameterizedTest
    @ValueSource(
            strings = {"128", "1", "64-256", "normal:128,32", "normal:1.5,0.25", "lognormal:300,200", "128,512,512"})
    void parse_everyForm_isWhatToStringGives(String text) {
        assertEquals(text, Lengths.parse(text).toString());
        assertEquals(Lengths.parse(text), Lengths.parse(" " + text.toUpperCase(Locale.ROOT) + " "));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "0",
                "-1",
                "x",
                "1.5",
                "128,",
                ",",
                "0-5",
                "9-3",
                "3-",
                "1-2-3",
                "normal:",
                "normal:1",
                "normal:0,1",
                "normal:5,-1",
                "normal:NaN,1",
                "normal:5,Infinity",
                "lognormal:1,2,3",
                "uniform:1,2",
                "1048577",
                "1-1048577",
                "99999999999"
            })
    void parse_otherText_isRefused(String text) {
        var e = assertThrows(IllegalArgumentException.class, () -> Lengths.parse(text));
        assertEquals(Lengths.FORMS, e.getMessage());
    }

    @Test
    void draw_ofOne_isIt() {
        assertEquals(7, Lengths.parse("7").draw(new SplittableRandom(1)));
    }

    /// Three standard errors of a mean of so many draws, by the distribution's own mean and deviation.
    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            64-256             | 160    | 55.71
            normal:400,30      | 400    | 30
            lognormal:300,200  | 300    | 200
            lognormal:50,5     | 50     | 5
            100,200,200,500    | 250    | 150
            """)
    void draw_manyTimes_hasMeanAndDeviation(String text, double mean, double deviation) {
        int[] drawn = drawn(text);
        double found = IntStream.of(drawn).average().orElseThrow();
        double variance = IntStream.of(drawn)
                .mapToDouble(x -> (x - found) * (x - found))
                .average()
                .orElseThrow();
        assertEquals(mean, found, 3 * deviation / Math.sqrt(DRAWS));
        assertEquals(deviation, Math.sqrt(variance), 0.03 * deviation);
    }

    @Test
    void draw_uniform_reachesBothEndsAndNothingElse() {
        int[] counts = new int[8];
        for (int length : drawn("3-6")) {
            counts[length]++;
        }
        for (int length = 3; length <= 6; length++) {
            assertEquals(DRAWS / 4.0, counts[length], DRAWS / 50.0);
        }
        assertEquals(DRAWS, IntStream.rangeClosed(3, 6).map(i -> counts[i]).sum());
    }

    @ParameterizedTest
    @ValueSource(strings = {"normal:2,50", "lognormal:1,100", "normal:1048576,1048576"})
    void draw_outOfBounds_isMovedToTheBound(String text) {
        for (int length : drawn(text)) {
            assertTrue(length >= 1 && length <= Lengths.MOST, () -> "length=" + length);
        }
    }

    private static int[] drawn(String text) {
        Lengths lengths = Lengths.parse(text);
        var random = new SplittableRandom(5);
        return IntStream.range(0, DRAWS).map(_ -> lengths.draw(random)).toArray();
    }
}
