package dev.quire.format;

import dev.quire.format.HuggingFaceArchitecture.Sizes;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// From `config.json` to GGUF's keys, as llama.cpp's converters choose them, and `quire.rope.pairs` = `halves`: query
/// and key rows of Llama stay in the order of the original checkpoint. The vocabulary is not here: its files are the
/// tokenizer's. What would change the arithmetic and has no key is refused.
record HuggingFaceMetadata(HuggingFaceArchitecture architecture, HuggingFaceConfig config, Sizes sizes) {
    private static final List<String> SILU = List.of("silu", "swish");
    private static final List<String> TANH_GELU = List.of("gelu_pytorch_tanh", "gelu_new", "gelu_python_tanh");
    private static final String LOCAL = "sliding_attention";
    private static final List<String> LAYER_TYPES = List.of("full_attention", LOCAL);
    private static final int NO_WINDOW = 0;

    /// Reads the keys of the model called `name`; factors of rotary frequencies, which GGUF has as tensors, go
    /// into `factors`.
    ModelMetadata read(String name, Map<String, float[]> factors) {
        HuggingFaceConfig text = architecture.textConfig(config);
        refuseQuantised(config);
        refuseQuantised(text);
        refuseUnknownArithmetic(text);
        Map<String, Object> keys = new LinkedHashMap<>();
        keys.put("general.architecture", architecture.ggufName());
        keys.put("general.name", name);
        put(keys, "block_count", (long) sizes.layers());
        put(keys, "context_length", (long) sizes.contextLength());
        put(keys, "embedding_length", (long) sizes.embedding());
        put(keys, "feed_forward_length", (long) sizes.feedForward());
        put(keys, "vocab_size", (long) sizes.vocabulary());
        put(keys, "attention.head_count", (long) sizes.heads());
        put(keys, "attention.head_count_kv", (long) sizes.kvHeads());
        put(keys, "attention.key_length", (long) sizes.headDim());
        put(keys, "attention.value_length", (long) sizes.headDim());
        boolean gpt2 = architecture == HuggingFaceArchitecture.GPT2;
        put(
                keys,
                gpt2 ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon",
                architecture.normEpsilon(text));
        if (!gpt2) {
            new HuggingFaceRope(architecture, text, sizes, keys, factors).read();
            keys.put("quire.rope.pairs", "halves");
            window(keys, text);
        }
        if (architecture.isGemma()) {
            put(keys, "attention.scale", 1 / Math.sqrt(text.positive("query_pre_attn_scalar", 256)));
        }
        return new ModelMetadata(config.file(), keys);
    }

    private static void refuseQuantised(HuggingFaceConfig config) {
        for (String key : List.of("quantization_config", "compression_config", "quantization")) {
            if (!config.object(key).isEmpty()) {
                throw config.unexpected(
                        key,
                        "weights in F32, F16 or BF16",
                        config.object(key).text("quant_method", "quantised weights"));
            }
        }
    }

    private void refuseUnknownArithmetic(HuggingFaceConfig text) {
        switch (architecture) {
            case GPT2 -> {
                oneOf(text, "activation_function", "gelu_new", TANH_GELU);
                must(text, "scale_attn_weights", true, true);
                must(text, "scale_attn_by_inverse_layer_idx", false, false);
                must(text, "add_cross_attention", false, false);
            }
            case GEMMA3, GEMMA3_TEXT -> {
                oneOf(text, "hidden_activation", "gelu_pytorch_tanh", TANH_GELU);
                must(text, "use_bidirectional_attention", false, false);
                for (String key : List.of("final_logit_softcapping", "attn_logit_softcapping")) {
                    if (text.has(key)) {
                        throw text.unexpected(key, "null", "a number");
                    }
                }
            }
            case LLAMA, MISTRAL, QWEN2, QWEN3, PHI3 -> oneOf(text, "hidden_act", "silu", SILU);
        }
    }

    private static void oneOf(HuggingFaceConfig text, String key, String otherwise, List<String> known) {
        String found = text.text(key, otherwise);
        if (!known.contains(found)) {
            throw text.unexpected(key, String.join(" or ", known), found);
        }
    }

    private static void must(HuggingFaceConfig text, String key, boolean expected, boolean otherwise) {
        if (text.flag(key, otherwise) != expected) {
            throw text.unexpected(key, Boolean.toString(expected), Boolean.toString(!expected));
        }
    }

    /// A sliding window, and which layers have it where not all do.
    private void window(Map<String, Object> keys, HuggingFaceConfig text) {
        int window = windowSize(text);
        boolean[] windowed = windowed(text, window);
        boolean any = windowed == null && window != NO_WINDOW;
        for (int layer = 0; windowed != null && layer < windowed.length; layer++) {
            any |= windowed[layer];
        }
        if (any && window == NO_WINDOW) {
            throw text.unexpected("sliding_window", "a number, for there are layers with " + LOCAL, "nothing");
        }
        if (any) {
            put(keys, "attention.sliding_window", (long) window);
        }
        if (any && windowed != null) {
            put(keys, "attention.sliding_window_pattern", windowed);
        }
    }

    private int windowSize(HuggingFaceConfig text) {
        String key = "sliding_window";
        return switch (architecture) {
            case MISTRAL, GEMMA3, GEMMA3_TEXT -> text.mentions(key) ? text.integer(key, 1, NO_WINDOW) : 4096;
            case QWEN2, QWEN3 ->
                !text.flag("use_sliding_window", false)
                        ? NO_WINDOW
                        : text.mentions(key) ? text.integer(key, 1, NO_WINDOW) : 4096;
            case PHI3 -> text.integer(key, 1, NO_WINDOW);
            case LLAMA, GPT2 -> NO_WINDOW;
        };
    }

    /// Null where each layer is like the others. A Mistral that lists its layers is what Transformers calls Ministral.
    private boolean[] windowed(HuggingFaceConfig text, int window) {
        boolean gemma = architecture.isGemma();
        boolean qwen = architecture == HuggingFaceArchitecture.QWEN2 || architecture == HuggingFaceArchitecture.QWEN3;
        boolean ministral = architecture == HuggingFaceArchitecture.MISTRAL && text.has("layer_types");
        if (!gemma && !qwen && !ministral) {
            return null;
        }
        boolean[] windowed = new boolean[sizes.layers()];
        String[] types = text.has("layer_types") ? text.texts("layer_types", windowed.length, LAYER_TYPES) : null;
        int every = gemma ? text.integer("sliding_window_pattern", 1, 6) : 1;
        int first = qwen ? text.integer("max_window_layers", 0, 28) : 0;
        for (int layer = 0; layer < windowed.length; layer++) {
            if (types != null) {
                windowed[layer] = types[layer].equals(LOCAL);
            } else if (gemma) {
                windowed[layer] = (layer + 1) % every != 0;
            } else {
                windowed[layer] = window != NO_WINDOW && layer >= first;
            }
        }
        return windowed;
    }

    private void put(Map<String, Object> keys, String key, Object value) {
        keys.put(architecture.ggufName() + "." + key, value);
    }
}
