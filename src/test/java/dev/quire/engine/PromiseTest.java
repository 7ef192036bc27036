package dev.quire.engine;

import dev.quire.engine.PromiseRig.Company;
import dev.quire.engine.PromiseRig.Setting;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Promise 1 to the bit, on the tiny model of every architecture, and on one of them with every instruction set, every
/// type of cache and the reference backend: a sequence's tokens, and the logits that they are drawn from, are those
/// that its request gets alone.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PromiseTest {
    private final PromiseRig rig = new PromiseRig();

    static List<Arguments> cases() throws IOException {
        List<Setting> settings = new ArrayList<>();
        try (Stream<Path> files = Files.list(Path.of("src/test/resources/models"))) {
            files.map(Path::toString)
                    .filter(name -> name.endsWith(".gguf"))
                    .sorted()
                    .forEach(model -> settings.add(new Setting(model, "auto", "auto")));
        }
        List<PromiseScenario> all = PromiseRig.scenarios();
        List<PromiseScenario> shorter = new ArrayList<>(all);
        shorter.remove(SwapScenario.SWAPPED_IN_SEVERAL_CALLS); // than the context of most
        List<Arguments> cases = new ArrayList<>(
                PromiseRig.cases(settings, shorter, List.of(new Company(2, PromiseRig.WHOLE), new Company(1, 13))));
        settings.clear();
        for (String isa : PromiseRig.isas()) {
            for (String cacheType : List.of("bf16", "f16", "int8")) {
                settings.add(new Setting("src/test/resources/models/tiny-llama-q4_1.gguf", isa, cacheType));
            }
        }
        settings.add(new Setting("src/test/resources/models/tiny-llama-q4_1.gguf", "reference", "auto"));
        cases.addAll(PromiseRig.cases(
                settings, all, List.of(new Company(1, PromiseRig.WHOLE), new Company(2, 31), new Company(2, 7))));
        return cases;
    }

    @AfterAll
    void close() {
        rig.close();
    }

    @ParameterizedTest(name = "{0}: {1}, {2}")
    @MethodSource("cases")
    void sequence_inAnyCompany_drawsFromTheLogitsThatItHasAlone(
            Setting setting, PromiseScenario scenario, Company company) {
        rig.play(setting, scenario, company);
    }
}
