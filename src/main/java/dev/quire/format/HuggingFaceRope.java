package dev.quire.format;

import java.util.List;
import java.util.Map;

/// From the rotary embedding of a Hugging Face configuration to GGUF's keys and tensors for the same thing.
///
/// Transformers 5 writes `rope_parameters`, older releases `rope_theta` and `rope_scaling`; both are read. Where GGUF
/// has a tensor of factors (Llama 3, LongRoPE), it is worked out here (`modeling_rope_utils.py`).
///
/// - `keys`: where the keys go, after `prefix`
/// - `factors`: where the factors go, by the tensor's name
record HuggingFaceRope(
        HuggingFaceArchitecture architecture,
        HuggingFaceConfig text,
        HuggingFaceArchitecture.Sizes sizes,
        Map<String, Object> keys,
        Map<String, float[]> factors) {
    private static final double BASE = 10_000;
    private static final double GEMMA3_GLOBAL_BASE = 1_000_000;
    private static final String ORIGINAL = "original_max_position_embeddings";
    private static final String GLOBAL = "full_attention";
    private static final String LOCAL = "sliding_attention";

    void read() {
        boolean gemma = architecture.isGemma();
        HuggingFaceConfig all = parameters();
        boolean nested = all.mentions(GLOBAL) || all.mentions(LOCAL);
        if (nested && !gemma) {
            throw text.unexpected("rope_parameters", "one set for all layers", String.join(" ", all.keys()));
        }
        HuggingFaceConfig global = nested ? all.object(GLOBAL) : all;
        double base = global.positive("rope_theta", text.positive("rope_theta", gemma ? GEMMA3_GLOBAL_BASE : BASE));
        put("rope.freq_base", base);
        put("rope.dimension_count", (long) dimensions(global));
        scaling(global, base);
        if (gemma) {
            HuggingFaceConfig local = all.object(LOCAL);
            String type = type(local);
            if (!type.equals("default")) {
                throw local.unexpected("rope_type", "default", type);
            }
            put("rope.freq_base_swa", local.positive("rope_theta", text.positive("rope_local_base_freq", BASE)));
        }
    }

    /// Where both are given, Transformers takes the older one.
    private HuggingFaceConfig parameters() {
        HuggingFaceConfig older = text.object("rope_scaling");
        return older.isEmpty() ? text.object("rope_parameters") : older;
    }

    private static String type(HuggingFaceConfig parameters) {
        return parameters.text("rope_type", parameters.text("type", "default"));
    }

    /// Elements of a head that turn. Of these models only Phi-3 may leave some out.
    private int dimensions(HuggingFaceConfig parameters) {
        String key = "partial_rotary_factor";
        double share = parameters.positive(key, text.positive(key, 1));
        boolean partial = architecture == HuggingFaceArchitecture.PHI3;
        if (share > 1 || share < 1 && !partial) {
            throw text.unexpected(key, partial ? "at most 1" : "1", Double.toString(share));
        }
        int dimensions = (int) (sizes.headDim() * share);
        if (dimensions < 2 || dimensions % 2 != 0) {
            throw text.unexpected("head_dim", "an even number to rotate", Integer.toString(dimensions));
        }
        return dimensions;
    }

    private void scaling(HuggingFaceConfig parameters, double base) {
        String type = type(parameters);
        if (architecture == HuggingFaceArchitecture.PHI3
                && List.of("su", "yarn").contains(type)) {
            type = "longrope"; // what early configurations called it
        }
        switch (type) {
            // "dynamic" changes nothing up to the model's own context length, which is the most that is served.
            case "default", "dynamic" -> put("rope.scaling.type", "none");
            case "linear" -> {
                put("rope.scaling.type", "linear");
                put("rope.scaling.factor", required(parameters, "factor"));
            }
            case "llama3" -> {
                put("rope.scaling.type", "none");
                factors.put("rope_freqs.weight", llama3(parameters, base));
            }
            case "yarn" -> yarn(parameters);
            case "longrope" -> longRope(parameters);
            default ->
                throw parameters.unexpected("rope_type", "default, linear, llama3, yarn, longrope or dynamic", type);
        }
    }

    /// What the frequency of each pair is divided by: 1 for those that turn often within the original length, `factor`
    /// for those that do not, and between for those between.
    private float[] llama3(HuggingFaceConfig parameters, double base) {
        double factor = required(parameters, "factor");
        double low = required(parameters, "low_freq_factor");
        double high = required(parameters, "high_freq_factor");
        if (!(low < high)) {
            throw parameters.unexpected("low_freq_factor", "less than high_freq_factor, " + high, "" + low);
        }
        double original = original(parameters);
        float[] divisors = new float[sizes.headDim() / 2];
        for (int i = 0; i < divisors.length; i++) {
            double turns = original * Math.pow(base, -2.0 * i / sizes.headDim()) / (2 * Math.PI);
            double smooth = Math.clamp((turns - low) / (high - low), 0.0, 1.0);
            divisors[i] = (float) (1 / ((1 - smooth) / factor + smooth));
        }
        return divisors;
    }

    private void yarn(HuggingFaceConfig parameters) {
        double original = original(parameters);
        double factor = parameters.positive("factor", sizes.contextLength() / original);
        if (!parameters.flag("truncate", true)) {
            throw parameters.unexpected("truncate", "true", "false");
        }
        put("rope.scaling.type", "yarn");
        put("rope.scaling.factor", factor);
        put("rope.scaling.original_context_length", (long) original);
        put("rope.scaling.yarn_beta_fast", parameters.positive("beta_fast", 32));
        put("rope.scaling.yarn_beta_slow", parameters.positive("beta_slow", 1));
        if (parameters.has("attention_factor")) {
            put("rope.scaling.yarn_attn_factor", parameters.positive("attention_factor", 1));
        } else if (parameters.has("mscale") && parameters.has("mscale_all_dim")) {
            double above = yarnMagnitude(factor, parameters.positive("mscale", 1));
            double below = yarnMagnitude(factor, parameters.positive("mscale_all_dim", 1));
            put("rope.scaling.yarn_attn_factor", above / below);
        }
    }

    private static double yarnMagnitude(double factor, double scale) {
        return factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1;
    }

    private void longRope(HuggingFaceConfig parameters) {
        double original = original(parameters);
        double factor = parameters.positive("factor", sizes.contextLength() / original);
        double magnitude = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(original));
        int pairs = dimensions(parameters) / 2;
        put("rope.scaling.type", "longrope");
        put("rope.scaling.original_context_length", (long) original);
        put("rope.scaling.attn_factor", parameters.positive("attention_factor", magnitude));
        factors.put("rope_factors_long.weight", parameters.positives("long_factor", pairs));
        factors.put("rope_factors_short.weight", parameters.positives("short_factor", pairs));
    }

    /// The context length before it was stretched: outside the set of parameters (Phi-3), inside, or the model's own.
    private double original(HuggingFaceConfig parameters) {
        int inside = parameters.integer(ORIGINAL, 2, sizes.contextLength());
        return text.integer(ORIGINAL, 2, architecture == HuggingFaceArchitecture.PHI3 ? 4096 : inside);
    }

    private static double required(HuggingFaceConfig parameters, String key) {
        if (!parameters.has(key)) {
            throw parameters.unexpected(key, "a positive number", "nothing");
        }
        return parameters.positive(key, 1);
    }

    private void put(String key, Object value) {
        keys.put(architecture.ggufName() + "." + key, value);
    }
}
