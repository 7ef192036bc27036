package dev.quire.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map.Entry;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// `inspect` beside another reader: `figures.json` holds what the gguf package finds in each committed GGUF
/// (`src/test/scripts/inspect_figures.py`).
class InspectFiguresTest {
    private static final Path RESOURCES = Path.of("src/test/resources");

    @TempDir
    Path folder;

    private final CommandRunner runner = new CommandRunner();

    static List<Entry<String, JsonNode>> expected() throws IOException {
        return List.copyOf(new ObjectMapper()
                .readTree(RESOURCES.resolve("inspect/figures.json").toFile())
                .properties());
    }

    @ParameterizedTest
    @MethodSource("expected")
    void inspect_fixture_hasTheFiguresOfTheGgufPackage(Entry<String, JsonNode> fixture) throws IOException {
        var outcome = runner.run("inspect", plain(fixture.getKey()).toString(), "--json");
        assertEquals(0, outcome.status(), outcome.err());
        ObjectNode found = (ObjectNode) new ObjectMapper().readTree(outcome.out());
        found.remove("file");
        assertEquals(
                fixture.getValue().toPrettyString(),
                sorted(found).toPrettyString(),
                "if the fixture has changed, run src/test/scripts/inspect_figures.py");
    }

    @Test
    void figures_ofEachCommittedFile_areThere() throws IOException {
        try (var files = Files.walk(RESOURCES)) {
            List<String> committed = files.filter(
                            path -> path.getFileName().toString().matches(".*\\.gguf(\\.gz)?"))
                    .map(path -> RESOURCES.relativize(path).toString())
                    .sorted()
                    .toList();
            assertEquals(
                    committed,
                    expected().stream().map(Entry::getKey).toList(),
                    "a new fixture needs a run of src/test/scripts/inspect_figures.py");
        }
    }

    /// The fixture as a file that is not compressed.
    private Path plain(String fixture) throws IOException {
        Path path = RESOURCES.resolve(fixture);
        if (!fixture.endsWith(".gz")) {
            return path;
        }
        Path unpacked = folder.resolve("unpacked.gguf");
        try (InputStream in = new GZIPInputStream(Files.newInputStream(path))) {
            Files.copy(in, unpacked);
        }
        return unpacked;
    }

    /// The same with its keys in alphabetical order, as the script writes them.
    private static JsonNode sorted(JsonNode node) {
        if (!node.isObject()) {
            return node;
        }
        ObjectNode sorted = new ObjectMapper().createObjectNode();
        node.properties().stream()
                .sorted(Entry.comparingByKey())
                .forEach(entry -> sorted.set(entry.getKey(), sorted(entry.getValue())));
        return sorted;
    }
}
