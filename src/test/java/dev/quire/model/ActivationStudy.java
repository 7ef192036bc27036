package dev.quire.model;

import dev.quire.kernel.ActivationRounding;
import dev.quire.kernel.CacheType;
import dev.quire.kernel.IntegerRounding;
import dev.quire.kernel.ReferenceKernels;
import dev.quire.store.ModelStore;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/// What rounding of activations costs the default model, for `docs/adr/0009`: no test, and run by its name alone,
/// `mvn test -Dtest=ActivationStudy` (about five minutes).
class ActivationStudy {
    private static Map<String, ActivationRounding> candidates() {
        Map<String, ActivationRounding> out = new LinkedHashMap<>();
        out.put("16 bits per 32", new IntegerRounding(32767, 32, 0));
        out.put("8 bits per 32", new IntegerRounding(127, 32, 0));
        out.put("8 bits per 16", new IntegerRounding(127, 16, 0));
        out.put("8 bits per 8", new IntegerRounding(127, 8, 0));
        for (int columns : new int[] {512, 256, 128, 64, 32}) {
            out.put("8 bits per 32, one outlier in " + columns, new IntegerRounding(127, 32, columns));
        }
        return out;
    }

    @Test
    void print() {
        String home = System.getenv().getOrDefault("QUIRE_HOME", System.getProperty("user.home") + "/.cache/quire");
        Path path = new ModelStore(Path.of(home), false).resolve("smollm2-135m-instruct");
        List<TopTokens> expected;
        try (var model = new LoadedTransformer(path, ReferenceKernels::new)) {
            expected = TopTokens.of(model);
        }
        candidates().forEach((name, rounding) -> {
            try (var model = new LoadedTransformer(
                    path, (shape, limits) -> new ReferenceKernels(shape, limits, CacheType.F32, rounding))) {
                TopTokens.Differences found = TopTokens.differences(expected, model);
                System.out.printf("study: %s: %.4f nats, %.3f at worst%n", name, found.mean(), found.worst());
            }
        });
    }
}
