package dev.quire.cli;

import dev.quire.engine.QuireSettings;
import dev.quire.format.ModelStore;
import java.nio.file.Path;
import java.util.Map;
import picocli.CommandLine.Model.CommandSpec;

/// From what a user calls a model to its file, under the settings that the command was given.
final class ModelPath {
    private ModelPath() {}

    static Path resolve(CommandSpec command, String model) {
        var settings = SettingFlags.all().stream()
                .filter(setting -> command.findOption(setting.flag()) != null)
                .toList();
        var flags = SettingFlags.given(command.commandLine().getParseResult(), settings);
        QuireSettings read = SettingsReader.read(flags, Map.of());
        return new ModelStore(Path.of(read.home()), read.offline()).resolve(model);
    }
}
