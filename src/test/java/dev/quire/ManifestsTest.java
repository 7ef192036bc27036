package dev.quire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What the manifests set, beside what `docs/settings.md` says there is.
class ManifestsTest {
    private static final Pattern VARIABLE = Pattern.compile("- name: (QUIRE_\\w+)");

    @ParameterizedTest
    @ValueSource(strings = {"k8s/deployment.yaml", "knative/service.yaml"})
    void manifest_variables_areSettings(String manifest) throws IOException {
        String settings = Files.readString(Path.of("docs/settings.md"));
        List<String> variables = VARIABLE.matcher(Files.readString(Path.of(manifest)))
                .results()
                .map(MatchResult::group)
                .map(line -> line.substring(line.indexOf("QUIRE_")))
                .toList();
        assertFalse(variables.isEmpty());
        assertEquals(
                List.of(),
                variables.stream()
                        .filter(name -> !settings.contains('`' + name + '`'))
                        .toList());
    }

    @Test
    void knative_inspection_isOff() throws IOException {
        String manifest = Files.readString(Path.of("knative/service.yaml"));
        assertTrue(Pattern.compile("- name: QUIRE_INSPECT_ENABLED\\s+value: \"false\"")
                .matcher(manifest)
                .find());
    }
}
