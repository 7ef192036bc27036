package dev.quire.engine;

import dev.quire.engine.PromiseRig.Company;
import dev.quire.engine.PromiseRig.Setting;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// What `PromiseTest` says of the tiny models, of the default one: every scenario with a type of cache, nearly every
/// one with another, two with the third on every instruction set but the scalar one, which takes ten times as long.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SmolLm2PromiseIT {
    private static final String MODEL = "smollm2-135m-instruct";

    private final PromiseRig rig = new PromiseRig();

    static List<Arguments> cases() {
        List<PromiseScenario> all = PromiseRig.scenarios();
        List<Arguments> cases = new ArrayList<>();
        cases.addAll(PromiseRig.cases(
                List.of(new Setting(MODEL, "auto", "bf16")), all, List.of(new Company(2, PromiseRig.WHOLE))));
        List<PromiseScenario> cached = new ArrayList<>(all); // the others take as long as all of these
        cached.removeAll(List.of(LayoutScenario.UNCACHED, LayoutScenario.CROWD_UNCACHED, BeamScenario.BEAMS_UNCACHED));
        cases.addAll(PromiseRig.cases(List.of(new Setting(MODEL, "auto", "f16")), cached, List.of(new Company(1, 13))));
        List<PromiseScenario> two = List.of(PagedScenario.HIT_OF_AN_ANSWER, PagedScenario.FORKED_AFTER_A_HIT);
        List<Setting> isas = PromiseRig.isas().stream()
                .filter(isa -> !isa.equals("scalar"))
                .map(isa -> new Setting(MODEL, isa, "int8"))
                .toList();
        cases.addAll(PromiseRig.cases(isas, two, List.of(new Company(2, 31))));
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
