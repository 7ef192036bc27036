package dev.quire.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.cache.CacheLayout;
import dev.quire.cache.ContiguousLayout;
import dev.quire.cache.PagedLayout;
import dev.quire.cache.UncachedLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LayoutsTest {
    private static CacheLayout layout(String... settings) {
        return Layouts.of(TestSettings.of(settings).cache(), 20, 5, 100);
    }

    @Test
    void eachLayout_isMadeAsSet() {
        var paged = assertInstanceOf(PagedLayout.class, layout());
        assertEquals(5, paged.space().slots());
        assertTrue(paged.pool().index().on());
        assertInstanceOf(UncachedLayout.class, layout("quire.cache.layout", "none"));
        var runs = assertInstanceOf(
                ContiguousLayout.class,
                layout("quire.cache.layout", "contiguous", "quire.cache.contiguous.reserve", "model"));
        assertEquals(runs.mostBlocks(100), runs.forkBlocks(1, 1));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "paged | quire.cache.layout | pages | must be paged, contiguous or none",
                "paged | quire.cache.prefix | yes | must be on or off",
                "paged | quire.cache.admission | late | must be optimistic or worst-case",
                "contiguous | quire.cache.contiguous.fit | worst | must be first, best or buddy",
                "contiguous | quire.cache.contiguous.reserve | all | must be model, request or estimate",
                "contiguous | quire.cache.contiguous.estimate | -1 | must not be negative",
                "contiguous | quire.cache.compaction.threshold | -0.1 | must be 0 to 1",
                "paged | quire.cache.compaction.threshold | 1.5 | must be 0 to 1",
                "paged | quire.cache.compaction.copies | 0 | must be positive"
            })
    void badSetting_isRefusedInOneLine(String layout, String setting, String value, String rule) {
        var settings =
                TestSettings.of("quire.cache.layout", layout, setting, value).cache();
        var e = assertThrows(IllegalArgumentException.class, () -> {
            Layouts.admission(settings);
            Layouts.compaction(settings);
            Layouts.of(settings, 20, 5, 100);
        });
        assertEquals(setting + " " + rule + ": " + setting + "=" + value, e.getMessage());
    }
}
