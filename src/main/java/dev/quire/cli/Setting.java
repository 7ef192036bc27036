package dev.quire.cli;

import io.quarkus.runtime.configuration.DurationConverter;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;

/// One setting as a user meets it. `property` is its name in configuration files; flag and environment variable follow
/// from it. `type` is what its text must mean; `defaultValue` is empty where the model or the machine decides.
record Setting(String property, Class<?> type, Optional<String> defaultValue, String description) {
    static final String PREFIX = "quire.";

    /// `quire.cache.blocks` → `--cache-blocks`.
    String flag() {
        return "--" + property.substring(PREFIX.length()).replace('.', '-');
    }

    /// `quire.cache.blocks` → `QUIRE_CACHE_BLOCKS`.
    String environment() {
        return property.replace('.', '_').replace('-', '_').toUpperCase(Locale.ROOT);
    }

    /// What stands for the value in help.
    String label() {
        return switch (type.getSimpleName()) {
            case "int" -> "NUMBER";
            case "double" -> "SHARE";
            case "boolean" -> "true|false";
            case "Duration" -> "TIME";
            default -> "TEXT";
        };
    }

    /// Why `value` cannot be this setting's; empty when it can.
    Optional<String> problem(String value) {
        try {
            switch (type.getSimpleName()) {
                case "int" -> Integer.parseInt(value);
                case "double" -> Double.parseDouble(value);
                case "Duration" -> duration(value);
                case "boolean" -> {
                    if (!value.equals("true") && !value.equals("false")) {
                        return Optional.of("must be true or false");
                    }
                }
                default -> {
                    if (value.isEmpty()) {
                        return Optional.of("must not be empty");
                    }
                }
            }
            return Optional.empty();
        } catch (IllegalArgumentException e) {
            return Optional.of(
                    switch (type.getSimpleName()) {
                        case "int" -> "must be a whole number of at most 32 bits";
                        case "double" -> "must be a number";
                        default -> "must be a time such as 60s, 500ms or 2m";
                    });
        }
    }

    private static Duration duration(String value) {
        Duration duration = new DurationConverter().convert(value);
        if (duration == null) {
            throw new IllegalArgumentException("time must not be empty: value=" + value);
        }
        return duration;
    }
}
