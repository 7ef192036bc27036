package dev.quire.engine;

import io.quarkus.runtime.configuration.DurationConverter;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/// Settings for a test: the tiny model, a small pool, and what the test says besides.
public final class TestSettings {
    private TestSettings() {}

    /// `overrides`: property, value, property, value …
    public static QuireSettings of(String... overrides) {
        Map<String, String> values = new HashMap<>(Map.of(
                "quire.backend", "cpu",
                "quire.model", "src/test/resources/models/tiny-llama-q4_1.gguf",
                "quire.cache.blocks", "256",
                "quire.threads", "2",
                "user.home", System.getProperty("user.home")));
        Optional.ofNullable(System.getenv("QUIRE_HOME")).ifPresent(home -> values.put("quire.home", home));
        for (int i = 0; i < overrides.length; i += 2) {
            values.put(overrides[i], overrides[i + 1]);
        }
        return new SmallRyeConfigBuilder()
                .withSources(new PropertiesConfigSource(values, "test", 100))
                .addDefaultInterceptors()
                .withConverter(Duration.class, 200, new DurationConverter())
                .withMapping(QuireSettings.class)
                .build()
                .getConfigMapping(QuireSettings.class);
    }
}
