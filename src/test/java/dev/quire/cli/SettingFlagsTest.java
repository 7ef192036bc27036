package dev.quire.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.engine.QuireSettings;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Every setting of the server is a property, an environment variable, a flag and a row of docs/settings.md.
class SettingFlagsTest {
    private static final String PAGE = read(Path.of("docs/settings.md"));

    static List<Setting> settings() {
        return SettingFlags.all();
    }

    /// SmallRye's own idea of the mapping's properties, so that a setting cannot be missed by both.
    @Test
    void all_areTheMappingsProperties() {
        Set<String> names = new TreeSet<>();
        new SmallRyeConfigBuilder()
                .addDefaultInterceptors()
                .addSystemSources()
                .addDiscoveredConverters()
                .withMapping(QuireSettings.class)
                .build()
                .getPropertyNames()
                .forEach(names::add);
        Set<String> ours = settings().stream().map(Setting::property).collect(Collectors.toCollection(TreeSet::new));
        names.removeIf(name -> !name.startsWith("quire."));
        assertTrue(ours.containsAll(names), () -> "mapping=" + names + ", flags=" + ours);
        assertTrue(names.size() > 5, names::toString);
    }

    @ParameterizedTest
    @MethodSource("settings")
    void setting_hasAllItsNames(Setting setting) {
        assertTrue(setting.property().matches("quire(\\.[a-z]+(-[a-z]+)*)+"), setting.property());
        assertTrue(setting.flag().matches("--[a-z]+(-[a-z]+)*"), setting.flag());
        assertTrue(setting.environment().matches("QUIRE(_[A-Z]+)+"), setting.environment());
        assertFalse(setting.description().isBlank());
        var help = new CommandRunner().run("serve", "--help").out();
        assertTrue(
                Pattern.compile("(?m)^\\s+" + setting.flag() + "\\b")
                        .matcher(help)
                        .find(),
                help);
        assertTrue(
                help.replaceAll("\\s+", " ").contains(setting.description()),
                () -> setting.description() + " in " + help);
    }

    @ParameterizedTest
    @MethodSource("settings")
    void setting_hasItsRow(Setting setting) {
        String row = "| `" + setting.property() + "` | `" + setting.environment() + "` | `" + setting.flag() + "` | "
                + setting.defaultValue().map(value -> "`" + value + "`").orElse("–") + " | ";
        assertTrue(PAGE.contains("\n" + row), row);
    }

    @Test
    void page_hasNoOtherRow() {
        List<String> rows = Pattern.compile("(?m)^\\| `(quire\\.[^`]*)`")
                .matcher(PAGE)
                .results()
                .map((MatchResult match) -> match.group(1))
                .toList();
        assertEquals(settings().stream().map(Setting::property).toList(), new ArrayList<>(new TreeSet<>(rows)));
        assertEquals(settings().size(), rows.size());
    }

    @ParameterizedTest
    @MethodSource("settings")
    void setting_itsOwnDefault_isAccepted(Setting setting) {
        setting.defaultValue()
                .map(value -> value.replaceAll("^\\$\\{[A-Z_]+:(.*)}$", "$1"))
                .filter(value -> !value.isEmpty())
                .ifPresent(value -> assertEquals("", setting.problem(value).orElse("")));
    }

    /// Of settings that no profile of a server under test has: Quarkus leaves those of the last in the system
    /// properties.
    @Test
    void read_flagsOutrankTheCommandsDefaults() {
        QuireSettings settings = SettingsReader.read(
                Map.of("quire.cache.blocks", "64", "quire.stream-timeout", "2m"),
                Map.of("quire.stream-timeout", "3m", "quire.packing", "memory"));
        assertEquals(64, settings.cache().blocks().orElseThrow());
        assertEquals(Duration.ofMinutes(2), settings.streamTimeout());
        assertEquals("memory", settings.packing());
        assertEquals(512, settings.batch().tokens());
        assertFalse(settings.home().contains("$"), settings.home());
    }

    private static String read(Path path) {
        try {
            return Files.readString(path);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
