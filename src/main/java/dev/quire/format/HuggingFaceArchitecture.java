package dev.quire.format;

import java.util.Arrays;
import java.util.stream.Collectors;

/// The `model_type`s of Hugging Face configurations that are read, with what Transformers assumes of each where a key
/// is missing (`configuration_*.py` of release 5).
enum HuggingFaceArchitecture {
    LLAMA("llama", "llama", "LlamaForCausalLM", new Sizes(32_000, 4096, 11_008, 32, 32, 0, 0, 2048), 1e-6),
    MISTRAL("mistral", "llama", "MistralForCausalLM", new Sizes(32_000, 4096, 14_336, 32, 32, 8, 0, 131_072), 1e-6),
    QWEN2("qwen2", "qwen2", "Qwen2ForCausalLM", new Sizes(151_936, 4096, 22_016, 32, 32, 0, 0, 32_768), 1e-6),
    QWEN3("qwen3", "qwen3", "Qwen3ForCausalLM", new Sizes(151_936, 4096, 22_016, 32, 32, 0, 128, 32_768), 1e-6),
    GEMMA3_TEXT(
            "gemma3_text", "gemma3", "Gemma3ForCausalLM", new Sizes(262_208, 2304, 9216, 26, 8, 4, 256, 131_072), 1e-6),
    /// With pictures, of which only the text half is read.
    GEMMA3("gemma3", "gemma3", "Gemma3ForConditionalGeneration", GEMMA3_TEXT.sizes, 1e-6),
    PHI3("phi3", "phi3", "Phi3ForCausalLM", new Sizes(32_064, 3072, 8192, 32, 32, 0, 0, 4096), 1e-5),
    GPT2("gpt2", "gpt2", "GPT2LMHeadModel", new Sizes(50_257, 768, 0, 12, 12, 0, 0, 1024), 1e-5);

    /// Far above any model: bounds of what is set up before the tensors are looked at.
    private static final int MOST_LAYERS = 1 << 16;

    private static final int MOST_HEAD_DIM = 1 << 16;

    /// The numbers of a model, or what they are by default: 0 where they follow from others.
    ///
    /// - `kvHeads`: by default as many as `heads`
    /// - `headDim`: by default `embedding / heads`
    /// - `feedForward`: by default `4 · embedding`
    record Sizes(
            int vocabulary,
            int embedding,
            int feedForward,
            int layers,
            int heads,
            int kvHeads,
            int headDim,
            int contextLength) {
        /// Elements of all query heads of one token.
        long queryWidth() {
            return (long) heads * headDim;
        }

        /// Elements of all key heads (or all value heads) of one token.
        long kvWidth() {
            return (long) kvHeads * headDim;
        }
    }

    private final String modelType;
    private final String ggufName;
    private final String className;
    private final Sizes sizes;
    private final double normEpsilon;

    HuggingFaceArchitecture(String modelType, String ggufName, String className, Sizes sizes, double normEpsilon) {
        this.modelType = modelType;
        this.ggufName = ggufName;
        this.className = className;
        this.sizes = sizes;
        this.normEpsilon = normEpsilon;
    }

    /// What `config` says it is: `model_type`, or else the first of `architectures`. Another one is refused with the
    /// list of those that are known.
    static HuggingFaceArchitecture of(HuggingFaceConfig config) {
        String type = config.text("model_type", "");
        String name = config.firstText("architectures", "");
        for (HuggingFaceArchitecture architecture : values()) {
            if (type.isEmpty() ? architecture.className.equals(name) : architecture.modelType.equals(type)) {
                return architecture;
            }
        }
        String known = Arrays.stream(values()).map(a -> a.modelType).collect(Collectors.joining(", "));
        throw new ModelFileException("model_type must be one of " + known + ": model_type="
                + GgufCursor.printable(type) + ", architectures=" + GgufCursor.printable(name) + ", file="
                + config.file());
    }

    /// `general.architecture` of the same model as GGUF, and the start of its keys.
    String ggufName() {
        return ggufName;
    }

    boolean isGemma() {
        return this == GEMMA3 || this == GEMMA3_TEXT;
    }

    /// The part of a configuration that speaks of the text model.
    HuggingFaceConfig textConfig(HuggingFaceConfig config) {
        return this == GEMMA3 ? config.object("text_config") : config;
    }

    /// The model's numbers by its configuration `text`.
    Sizes sizes(HuggingFaceConfig text) {
        boolean gpt2 = this == GPT2;
        int embedding = size(text, "hidden_size", gpt2 ? "n_embd" : "", sizes.embedding);
        int heads = size(text, "num_attention_heads", gpt2 ? "n_head" : "", sizes.heads);
        boolean asHeads =
                sizes.kvHeads == 0 || text.mentions("num_key_value_heads") && !text.has("num_key_value_heads");
        int headDim = sizes.headDim == 0 ? Math.max(embedding / heads, 1) : sizes.headDim;
        var found = new Sizes(
                size(text, "vocab_size", "", sizes.vocabulary),
                embedding,
                size(
                        text,
                        gpt2 ? "n_inner" : "intermediate_size",
                        "",
                        gpt2 ? (int) Math.min(4L * embedding, Integer.MAX_VALUE) : sizes.feedForward),
                size(text, "num_hidden_layers", gpt2 ? "n_layer" : "", sizes.layers),
                heads,
                gpt2 ? heads : size(text, "num_key_value_heads", "", asHeads ? heads : sizes.kvHeads),
                gpt2 ? headDim : size(text, "head_dim", "", headDim),
                size(text, "max_position_embeddings", gpt2 ? "n_positions" : "", sizes.contextLength));
        if (found.layers > MOST_LAYERS) {
            throw text.unexpected("num_hidden_layers", "at most " + MOST_LAYERS, Integer.toString(found.layers));
        }
        if (found.headDim > MOST_HEAD_DIM) {
            throw text.unexpected("head_dim", "at most " + MOST_HEAD_DIM, Integer.toString(found.headDim));
        }
        return found;
    }

    double normEpsilon(HuggingFaceConfig text) {
        return text.positive(this == GPT2 ? "layer_norm_epsilon" : "rms_norm_eps", normEpsilon);
    }

    /// Whether the output head is the embedding, unless the files say otherwise.
    boolean isTied(HuggingFaceConfig config) {
        boolean otherwise = isGemma() || this == GPT2;
        String key = "tie_word_embeddings";
        return config.flag(key, textConfig(config).flag(key, otherwise));
    }

    private static int size(HuggingFaceConfig text, String key, String otherKey, int otherwise) {
        String found = !otherKey.isEmpty() && text.has(otherKey) ? otherKey : key;
        return text.integer(found, 1, otherwise);
    }
}
