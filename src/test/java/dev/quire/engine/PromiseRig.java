package dev.quire.engine;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.engine.TurnedEngine.Draw;
import dev.quire.sampling.BeamParameters;
import dev.quire.sampling.SamplingParameters;
import dev.quire.scheduler.BeamGroup;
import dev.quire.scheduler.Sequence;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.Arguments;

/// A model on one kind of kernels and cache: an engine on which requests run alone, and one for each company that
/// they are put in. Engines are opened when they are needed, and closed when another setting is.
final class PromiseRig implements AutoCloseable {
    /// Tokens a step for which a prompt is never cut.
    static final int WHOLE = 512;

    /// Blocks of the cache, and so of the largest pool.
    static final int BLOCKS = 64;

    /// `isa` may also be `reference`, for the backend in plain Java.
    record Setting(String model, String isa, String cacheType) {
        @Override
        public String toString() {
            return model.replaceAll(".*/|\\.gguf", "") + " " + isa + " " + cacheType;
        }
    }

    /// How scenarios are run: threads and tokens a step.
    record Company(int threads, int budget) {
        @Override
        public String toString() {
            return threads + (threads == 1 ? " thread, " : " threads, ") + budget + " tokens a step";
        }
    }

    private record Question(List<Integer> prompt, int maxTokens, SamplingParameters sampling) {}

    private record Search(List<Integer> prompt, int maxTokens, BeamParameters parameters) {}

    private final Map<Company, TurnedEngine> engines = new HashMap<>();
    private final Map<Question, List<Draw>> answers = new HashMap<>();
    private final Map<Search, List<BeamWatch.Found>> found = new HashMap<>();
    private TurnedEngine aloneEngine;
    private Setting setting;

    /// All that may happen.
    static List<PromiseScenario> scenarios() {
        return Stream.<PromiseScenario[]>of(
                        PagedScenario.values(),
                        LayoutScenario.values(),
                        SwapScenario.values(),
                        CompactionScenario.values(),
                        BeamScenario.values())
                .flatMap(Stream::of)
                .toList();
    }

    /// Every scenario in every company, with every setting; those of one setting come together.
    static List<Arguments> cases(
            List<Setting> settings, List<? extends PromiseScenario> scenarios, List<Company> companies) {
        List<Arguments> cases = new ArrayList<>();
        for (Setting setting : settings) {
            for (PromiseScenario scenario : scenarios) {
                companies.forEach(company -> cases.add(Arguments.of(setting, scenario, company)));
            }
        }
        return cases;
    }

    /// The instruction sets that this processor has kernels for.
    static List<String> isas() {
        return Stream.of("scalar", "avx2", "avx512", "vnni", "amx")
                .filter(PromiseRig::present)
                .toList();
    }

    private static boolean present(String isa) {
        try {
            ModelLoading.open(TestSettings.of("quire.cpu.isa", isa)).close();
            return true;
        } catch (IllegalArgumentException e) {
            assertTrue(e.getMessage().startsWith("processor must have the instruction set: "), e.getMessage());
            return false;
        }
    }

    /// Plays `scenario` in `company`: whatever happens, every answer must be the one that its request gets alone.
    void play(Setting now, PromiseScenario scenario, Company company) {
        if (!now.equals(setting)) {
            close();
            setting = now;
        }
        TurnedEngine engine = engines.computeIfAbsent(company, c -> open(c.threads()));
        engine.begin(scenario.layout(), company.budget(), scenario.lag());
        var story = new PromiseStory(this, engine, scenario.story(), company.budget());
        scenario.play(story);
        story.end();
    }

    private TurnedEngine open(int threads) {
        boolean reference = setting.isa().equals("reference");
        return new TurnedEngine(TestSettings.of(
                "quire.model",
                setting.model(),
                "quire.backend",
                reference ? "reference" : "cpu",
                "quire.cpu.isa",
                reference ? "auto" : setting.isa(),
                "quire.cache.type",
                setting.cacheType(),
                "quire.packing",
                setting.isa().equals("auto") ? "disk" : "memory", // the folder keeps one instruction set's
                "quire.threads",
                Integer.toString(threads),
                "quire.batch.tokens",
                Integer.toString(WHOLE),
                "quire.batch.sequences",
                Integer.toString(TurnedEngine.MOST_SEQUENCES),
                "quire.cache.blocks",
                Integer.toString(BLOCKS)));
    }

    /// What the request draws on an engine that runs nothing else, shares nothing and computes the prompt in one
    /// piece on one thread.
    List<Draw> alone(Sequence.Spec spec) {
        var question = new Question(IntStream.of(spec.prompt()).boxed().toList(), spec.maxTokens(), spec.sampling());
        return answers.computeIfAbsent(question, q -> {
            TurnedEngine engine = beginAlone();
            engine.send(spec, 1);
            engine.run();
            return new ArrayList<>(engine.draws(spec.sampling().seed()));
        });
    }

    /// What a search finds there.
    List<BeamWatch.Found> alone(Sequence.Spec spec, BeamParameters parameters) {
        var search = new Search(IntStream.of(spec.prompt()).boxed().toList(), spec.maxTokens(), parameters);
        return found.computeIfAbsent(search, s -> {
            TurnedEngine engine = beginAlone();
            BeamGroup group = engine.send(spec, parameters);
            engine.run();
            return BeamWatch.found(group);
        });
    }

    private TurnedEngine beginAlone() {
        if (aloneEngine == null) {
            aloneEngine = open(1);
        }
        aloneEngine.begin(PromiseScenario.paged(BLOCKS, false, 0), WHOLE, 0);
        return aloneEngine;
    }

    @Override
    public void close() {
        engines.values().forEach(TurnedEngine::close);
        engines.clear();
        answers.clear();
        found.clear();
        if (aloneEngine != null) {
            aloneEngine.close();
            aloneEngine = null;
        }
    }
}
