package dev.quire.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.quire.engine.ReadinessLimits.Basis;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ReadinessLimitsTest {
    private static ReadinessLimits limits(String... settings) {
        return ReadinessLimits.of(TestSettings.of(settings).health(), 150);
    }

    @Test
    void sharesOfThePool_areBlocks() {
        assertEquals(new ReadinessLimits(Basis.BLOCKS, Duration.ofSeconds(5), 3, 15), limits());
        assertEquals(
                new ReadinessLimits(Basis.ENGINE, Duration.ofMillis(200), 1, 75),
                limits(
                        "quire.health.readiness",
                        "engine",
                        "quire.health.hold",
                        "200ms",
                        "quire.health.low-watermark",
                        "0.001",
                        "quire.health.high-watermark",
                        "0.5"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "quire.health.readiness | always | must be blocks or engine: quire.health.readiness=always",
                "quire.health.low-watermark | -0.1 | must be at least 0 and below 1: quire.health.low-watermark=-0.1",
                "quire.health.high-watermark | 1 | must be at least 0 and below 1: quire.health.high-watermark=1.0",
                "quire.health.low-watermark | 0.2 | must be at most the high one: quire.health.low-watermark=0.2, quire.health.high-watermark=0.1",
                "quire.health.hold | -1s | must not be negative: quire.health.hold=PT-1S"
            })
    void badSetting_isRefusedInOneLine(String setting, String value, String rest) {
        var e = assertThrows(IllegalArgumentException.class, () -> limits(setting, value));
        assertEquals(setting + " " + rest, e.getMessage());
    }
}
