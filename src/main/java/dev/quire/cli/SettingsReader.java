package dev.quire.cli;

import dev.quire.engine.QuireSettings;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.util.Map;

/// Reads the settings for the commands that do not start Quarkus: flags, then system properties, then the environment,
/// then a command's own `defaults`, then those of the mapping. Same names and meanings as in the server.
final class SettingsReader {
    /// Above system properties, which have 400.
    private static final int FLAGS_ORDINAL = 500;

    private SettingsReader() {}

    static QuireSettings read(Map<String, String> flags, Map<String, String> defaults) {
        return new SmallRyeConfigBuilder()
                .addDefaultInterceptors()
                .addSystemSources()
                .addDiscoveredConverters()
                .withMapping(QuireSettings.class)
                .withDefaultValues(defaults)
                .withSources(new PropertiesConfigSource(flags, "flags", FLAGS_ORDINAL))
                .build()
                .getConfigMapping(QuireSettings.class);
    }
}
