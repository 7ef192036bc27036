package dev.quire.load;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class EventLinesTest {
    /// `/` is a line feed and `%` a carriage return; events are listed with `;` between them.
    @ParameterizedTest
    @CsvSource(delimiter = '|', ignoreLeadingAndTrailingWhitespace = true, textBlock = """
            data: a//data: b//          | a;b
            data:a//                    | a
            data:  a//                  | ' a'
            data: a%/%/data: b%/%/      | a;b
            data: a%%data: b%%          | a;b
            : ping//data: a//           | a
            event: x/data: a/id: 1//    | a
            data: a/data: b//           | a/b
            data: a/data//              | a/
            data//                      | ''
            error: a//                  | a
            dat: a//database: b//       | -
            ////data: a////             | a
            data: a/                    | -
            """)
    void feed_wholeText_givesEachEventsData(String text, String expected) {
        String stream = text.replace('/', '\n').replace('%', '\r');
        List<String> wanted = expected.equals("-") ? List.of() : List.of(expected.split(";", -1));
        assertEquals(
                wanted,
                events(stream, new SplittableRandom(0), stream.length() + 1).stream()
                        .map(data -> data.replace('\n', '/'))
                        .toList());
    }

    /// Random streams in random pieces, beside a twin that looks at the whole text.
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void feed_randomPieces_agreesWithSplitting(long seed) {
        var random = new SplittableRandom(seed);
        String[] lines = {
            "data: {\"é\":1}", "data:x", "data", "", "", ": c", "event: y", "datax: 1", "data: \uD83D\uDE00"
        };
        String[] ends = {"\n", "\r\n", "\r"};
        for (int i = 0; i < 300; i++) {
            var text = new StringBuilder();
            for (int j = random.nextInt(30); j > 0; j--) {
                text.append(lines[random.nextInt(lines.length)]).append(ends[random.nextInt(3)]);
            }
            assertEquals(split(text.toString()), events(text.toString(), random, 5), text::toString);
        }
    }

    @Test
    void feed_endlessEvent_isRefused() {
        var lines = new EventLines((_, _, _) -> {});
        byte[] piece = new byte[1 << 20];
        Arrays.fill(piece, (byte) 'a');
        var e = assertThrows(LoadException.class, () -> {
            for (int i = 0; i <= 16; i++) {
                lines.feed(piece);
            }
        });
        assertEquals("event must be at most 16777216 bytes", e.getMessage());
    }

    private static List<String> events(String text, SplittableRandom random, int mostBytes) {
        List<String> events = new ArrayList<>();
        var lines = new EventLines(
                (bytes, from, length) -> events.add(new String(bytes, from, length, StandardCharsets.UTF_8)));
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        for (int at = 0; at < bytes.length; ) {
            int to = Math.min(bytes.length, at + (mostBytes > 5 ? mostBytes : 1 + random.nextInt(mostBytes)));
            lines.feed(Arrays.copyOfRange(bytes, at, to));
            at = to;
        }
        return events;
    }

    private static List<String> split(String text) {
        List<String> events = new ArrayList<>();
        List<String> data = new ArrayList<>();
        String[] lines = text.replace("\r\n", "\n").replace('\r', '\n').split("\n", -1);
        for (String line : Arrays.copyOf(lines, lines.length - 1)) {
            if (line.isEmpty() && !data.isEmpty()) {
                events.add(String.join("\n", data));
                data.clear();
            }
            if (line.matches("data(:.*)?")) {
                data.add(line.replaceFirst("data:? ?", ""));
            }
        }
        return events;
    }
}
