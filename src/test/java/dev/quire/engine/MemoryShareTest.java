package dev.quire.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MemoryShareTest {
    @ParameterizedTest
    @CsvSource({
        "1000000, 1000000",
        "512MiB, 536870912",
        "2 GiB, 2147483648",
        "3g, 3221225472",
        "5kb, 5000",
        "0.25, 250",
        ".5, 500",
        "25%, 250",
        "1.0, 1000",
        "100%, 1000"
    })
    void bytes_readsAmountsAndShares(String setting, long bytes) {
        assertEquals(bytes, MemoryShare.bytes("quire.cache.memory", setting, 1000));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "lots", "-1", "1.5", "1.5GiB", "2 parsecs", "0x10", "NaN", "1e9"})
    void bytes_refusesAnythingElse(String setting) {
        var e = assertThrows(
                IllegalArgumentException.class, () -> MemoryShare.bytes("quire.cache.memory", setting, 1000));
        assertEquals(
                "quire.cache.memory must be bytes such as 512MiB or a share such as 0.25: quire.cache.memory="
                        + setting,
                e.getMessage());
    }

    @Test
    void bytes_tooLarge_isRefused() {
        var e = assertThrows(
                IllegalArgumentException.class, () -> MemoryShare.bytes("quire.cache.memory", "99999999999TiB", 1000));
        assertEquals("quire.cache.memory must fit 64 bits: quire.cache.memory=99999999999TiB", e.getMessage());
    }

    @Test
    void freeBytes_isPositive() {
        assertTrue(MemoryShare.freeBytes() > 0);
    }
}
