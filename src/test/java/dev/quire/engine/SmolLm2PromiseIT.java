package dev.quire.engine;

import dev.quire.engine.PromiseRig.Company;
import dev.quire.engine.PromiseRig.Setting;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// What `PromiseTest` says of the tiny models, of the default one: with every type of cache, and two scenarios with
/// every instruction set, since the scalar kernels take ten times as long.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SmolLm2PromiseIT {
    private static final String MODEL = "smollm2-135m-instruct";

    private final PromiseRig rig = new PromiseRig();

    static List<Arguments> cases() {
        List<Setting> types = Stream.of("bf16", "f16", "int8")
                .map(type -> new Setting(MODEL, "auto", type))
                .toList();
        List<Setting> isas = PromiseRig.isas().stream()
                .map(isa -> new Setting(MODEL, isa, "auto"))
                .toList();
        List<Arguments> cases = new ArrayList<>(PromiseRig.cases(
                types,
                List.of(PromiseScenario.values()),
                List.of(new Company(2, PromiseRig.WHOLE), new Company(1, 13))));
        cases.addAll(PromiseRig.cases(
                isas,
                List.of(PromiseScenario.HIT_OF_AN_ANSWER, PromiseScenario.FORKED_AFTER_A_HIT),
                List.of(new Company(2, 31))));
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
