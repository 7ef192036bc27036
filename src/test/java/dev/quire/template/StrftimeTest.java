package dev.quire.template;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.LocalDateTime;
import org.junit.jupiter.api.Test;

class StrftimeTest {
    private static final LocalDateTime TIME = LocalDateTime.of(2024, 2, 3, 16, 5, 9);

    /// Printed by Python 3.11 for the same time.
    @Test
    void format_everyCode_isAsInPython() {
        assertEquals(
                "2024 24 02 03  3 034 16 04 05 09 PM February Feb Saturday Sat 2024-02-03 16:05:09 % %",
                Strftime.format("%Y %y %m %d %e %j %H %I %M %S %p %B %b %A %a %F %T %% %", TIME));
        assertEquals("3 5 16 %Q", Strftime.format("%-d %-M %-H %Q", TIME));
    }

    @Test
    void format_tooLong_isRefused() {
        var e = assertThrows(TemplateException.class, () -> Strftime.format("%c".repeat(501), TIME));
        assertEquals("time format must not be longer: length=1002, longest=1000", e.getMessage());
    }
}
