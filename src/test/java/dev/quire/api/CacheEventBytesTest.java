package dev.quire.api;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.quire.engine.ToldEvents;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class CacheEventBytesTest {
    @Test
    void events_haveNames_andNumbersInJson_andWhatWasMissedComesFirst() {
        String expected = """
                event: dropped
                data: {"step":7,"count":99}

                event: allocated
                data: {"step":7,"block":10,"references":3}

                event: shared
                data: {"step":7,"block":11,"references":3}

                event: copied
                data: {"step":7,"source":12,"destination":3}

                event: evicted
                data: {"step":7,"block":13}

                event: swapped
                data: {"step":7,"block":14,"direction":"out","slot":3}

                event: swapped
                data: {"step":7,"block":15,"direction":"in","slot":3}

                event: moved
                data: {"step":7,"source":16,"destination":3}

                event: released
                data: {"step":7,"block":17,"references":3}

                """;
        assertEquals(expected, text(99));
        assertEquals(expected.substring(expected.indexOf("event: allocated")), text(0));
    }

    private static String text(long missed) {
        return new String(CacheEventBytes.of(ToldEvents.ofEveryKind(7, missed, 3)), StandardCharsets.UTF_8);
    }
}
