package dev.quire.model;

import dev.quire.format.ModelFileException;
import dev.quire.format.ModelMetadata;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// Keys that change the arithmetic of some model in a way that is not computed here. A file that has one with another
/// value than a neutral one would run without an error and answer wrongly, so it is refused.
///
/// The list is llama.cpp's table of keys without what {@link Architecture} reads and what belongs to state-space
/// models, encoders and the like, whose tensors are refused anyway.
final class NeutralKeys {
    private static final double[] OFF = {0};
    private static final double[] FACTOR = {0, 1}; // 0 stands for absent in llama.cpp

    private static final Map<String, double[]> NEUTRAL = Map.ofEntries(
            Map.entry("expert_count", OFF),
            Map.entry("expert_shared_count", OFF),
            Map.entry("logit_scale", FACTOR),
            Map.entry("residual_scale", FACTOR),
            Map.entry("final_logit_softcapping", OFF),
            Map.entry("attn_logit_softcapping", OFF),
            Map.entry("use_parallel_residual", OFF),
            Map.entry("swin_norm", OFF),
            Map.entry("rescale_every_n_layers", OFF),
            Map.entry("nextn_predict_layers", OFF),
            Map.entry("n_deepstack_layers", OFF),
            Map.entry("embedding_length_per_layer_input", OFF),
            Map.entry("num_loops", FACTOR),
            Map.entry("attention.causal", new double[] {1}),
            Map.entry("attention.max_alibi_bias", OFF),
            Map.entry("attention.clamp_kqv", OFF),
            Map.entry("attention.output_scale", FACTOR),
            Map.entry("attention.value_scale", FACTOR),
            Map.entry("attention.temperature_length", OFF),
            Map.entry("attention.temperature_scale", OFF),
            Map.entry("attention.shared_kv_layers", OFF),
            Map.entry("attention.recurrent_layers", OFF),
            Map.entry("attention.rope_pattern", new double[] {1}),
            Map.entry("attention.q_lora_rank", OFF),
            Map.entry("attention.kv_lora_rank", OFF),
            Map.entry("rope.dimension_sections", OFF),
            Map.entry("rope.scaling.alpha", FACTOR),
            Map.entry("rope.scaling.yarn_log_multiplier", OFF),
            Map.entry("rope.scaling.yarn_ext_factor", new double[] {1}));

    private NeutralKeys() {}

    static void check(Architecture architecture, ModelMetadata metadata) {
        for (var entry : new TreeMap<>(NEUTRAL).entrySet()) {
            String key = architecture.key(entry.getKey());
            if (metadata.has(key) && !neutral(metadata.values().get(key), entry.getValue())) {
                String expected = entry.getValue().length == 2 ? "1" : number(entry.getValue()[0]);
                throw refusal(metadata, key, expected);
            }
        }
        String activation = architecture.key("hidden_activation");
        List<String> names = architecture.activationNames();
        if (metadata.has(activation) && !names.contains(metadata.string(activation))) {
            throw refusal(metadata, activation, names.getFirst());
        }
    }

    private static boolean neutral(Object value, double[] neutral) {
        return switch (value) {
            case Long number -> neutral(number.doubleValue(), neutral);
            case Double number -> neutral(number.doubleValue(), neutral);
            case Boolean flag -> neutral(flag ? 1.0 : 0.0, neutral);
            case long[] numbers -> Arrays.stream(numbers).allMatch(number -> neutral((double) number, neutral));
            case double[] numbers -> Arrays.stream(numbers).allMatch(number -> neutral(number, neutral));
            case boolean[] flags -> {
                boolean all = true;
                for (boolean flag : flags) {
                    all &= neutral(flag ? 1.0 : 0.0, neutral);
                }
                yield all;
            }
            default -> false;
        };
    }

    private static boolean neutral(double value, double[] neutral) {
        return Arrays.stream(neutral).anyMatch(allowed -> allowed == value);
    }

    private static ModelFileException refusal(ModelMetadata metadata, String key, String expected) {
        return new ModelFileException("metadata value is not supported: key=" + key + ", expected=" + expected
                + ", found=" + text(metadata.values().get(key)) + ", file=" + metadata.file());
    }

    private static String text(Object value) {
        return switch (value) {
            case Double number -> number(number);
            case long[] numbers -> "array of " + numbers.length;
            case double[] numbers -> "array of " + numbers.length;
            case boolean[] flags -> "array of " + flags.length;
            case String[] texts -> "array of " + texts.length;
            default -> value.toString();
        };
    }

    private static String number(double value) {
        return value == (long) value ? Long.toString((long) value) : Double.toString(value);
    }
}
