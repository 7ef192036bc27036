package dev.quire.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.format.GgufFile;
import dev.quire.kernel.CacheType;
import dev.quire.kernel.ReferenceKernels;
import dev.quire.kernel.cpu.CpuKernels;
import dev.quire.store.ModelStore;
import dev.quire.tokenizer.Tokenizer;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// The default model against Hugging Face Transformers in float32 on the same weights, exactly dequantised.
class SmolLm2GoldenIT {
    /// What llama.cpp reaches on this file: mean absolute difference of the ten best log-probabilities, in nats.
    private static final double LLAMA_CPP_NATS = 0.09;

    /// A choice counts as clear when the best token is ahead by more than this, in nats.
    private static final double CLEAR_MARGIN = 0.5;

    private static final Path MODEL = new ModelStore(Path.of(home()), false).resolve("smollm2-135m-instruct");

    private static String home() {
        String home = System.getenv("QUIRE_HOME");
        return home == null ? System.getProperty("user.home") + "/.cache/quire" : home;
    }

    private static List<Golden> goldens() {
        return Stream.of("/goldens/smollm2.json", "/goldens/smollm2-more.json")
                .flatMap(resource -> Golden.read(resource).stream())
                .toList();
    }

    @Test
    void tokenizer_givesTheGoldenIds() {
        try (GgufFile file = GgufFile.open(MODEL)) {
            Tokenizer tokenizer = Tokenizer.from(file.metadata());
            for (Golden golden : goldens()) {
                assertArrayEquals(golden.promptIds(), tokenizer.encode(golden.text(), true), golden.name());
            }
        }
    }

    @Test
    void referenceKernels_giveTheGoldenTokens() {
        try (LoadedTransformer model = new LoadedTransformer(MODEL, ReferenceKernels::new)) {
            double worst = 0;
            for (Golden golden : goldens()) {
                float[][] logits = model.logits(golden.teacherForced(), golden.promptIds().length - 1);
                int[] greedy = golden.greedyIds();
                for (int i = 0; i < greedy.length; i++) {
                    assertEquals(greedy[i], Golden.argmax(logits[i]), golden + " step=" + i);
                }
                worst = Math.max(worst, worstDifference(golden, logits[0]));
            }
            System.out.printf("reference: largest difference of a golden log-probability %.6f nats%n", worst);
            assertTrue(worst < 1e-3, "nats=" + worst);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = CacheType.class,
            names = {"F16", "BF16", "INT8"})
    void nativeKernels_staysCloserThanLlamaCpp(CacheType cacheType) {
        int clear = 0;
        int equal = 0;
        int compared = 0;
        double sum = 0;
        double worst = 0;
        try (LoadedTransformer model =
                new LoadedTransformer(MODEL, (shape, limits) -> CpuKernels.open(shape, limits, 2, "auto", cacheType))) {
            for (Golden golden : goldens()) {
                float[][] logits = model.logits(golden.teacherForced(), golden.promptIds().length - 1);
                int[] greedy = golden.greedyIds();
                float[] margins = golden.margins();
                for (int i = 0; i < greedy.length; i++) {
                    if (margins[i] > CLEAR_MARGIN) {
                        clear++;
                        equal += greedy[i] == Golden.argmax(logits[i]) ? 1 : 0;
                    }
                }
                for (int i = 0; i < golden.topTokens().length; i++) {
                    double difference = difference(golden, logits[0], i);
                    sum += difference;
                    worst = Math.max(worst, difference);
                    compared++;
                }
            }
        }
        System.out.printf(
                "native, %s cache: same top token at %d of %d clear positions; golden log-probabilities differ by %.5f nats on"
                        + " average, %.5f at worst, over %d%n",
                cacheType.label(), equal, clear, sum / compared, worst, compared);
        assertTrue(equal >= 0.99 * clear, equal + " of " + clear);
        assertTrue(sum / compared <= LLAMA_CPP_NATS, "nats=" + sum / compared);
    }

    private static double worstDifference(Golden golden, float[] logits) {
        double worst = 0;
        for (int i = 0; i < golden.topTokens().length; i++) {
            worst = Math.max(worst, difference(golden, logits, i));
        }
        return worst;
    }

    private static double difference(Golden golden, float[] logits, int rank) {
        double logprob = Golden.logprob(logits, golden.topTokens()[rank]);
        return Math.abs(logprob - golden.topLogprobs()[rank]);
    }
}
