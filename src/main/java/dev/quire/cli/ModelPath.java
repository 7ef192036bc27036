package dev.quire.cli;

import dev.quire.engine.ModelStores;
import dev.quire.engine.QuireSettings;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import picocli.CommandLine.Model.CommandSpec;

/// From what a user calls a model to its file, under the settings that the command was given.
final class ModelPath {
    private ModelPath() {}

    static Path resolve(CommandSpec command, String model) {
        return ModelStores.open(settings(command, Map.of())).resolve(model);
    }

    /// The settings that a command's flags give, and `more` above them.
    static QuireSettings settings(CommandSpec command, Map<String, String> more) {
        var settings = SettingFlags.all().stream()
                .filter(setting -> command.findOption(setting.flag()) != null)
                .toList();
        var flags = new TreeMap<>(SettingFlags.given(command.commandLine().getParseResult(), settings));
        flags.putAll(more);
        return SettingsReader.read(flags, Map.of());
    }
}
