package dev.quire.model;

import dev.quire.format.ModelFile;
import dev.quire.format.ModelFileException;
import dev.quire.format.ModelMetadata;
import dev.quire.kernel.Activation;
import dev.quire.kernel.ModelShape;
import dev.quire.kernel.Norm;
import dev.quire.kernel.Rope;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/// The architectures that {@link Transformer} runs, by the name in `general.architecture`. Each is a row of data: how
/// it normalises, its activation, which elements of a head turn together, and what else it has. A further one is a
/// further row here, never a further forward pass.
///
/// These keys are read, each after the architecture's name and a dot; those without a default must be there. The names
/// and their meaning are those of llama.cpp's converters.
///
/// | key | meaning, default |
/// |---|---|
/// | `context_length`, `embedding_length`, `block_count`, `feed_forward_length` | |
/// | `attention.head_count` | query heads |
/// | `attention.head_count_kv` | key/value heads: as many as query heads |
/// | `attention.key_length`, `attention.value_length` | `embedding_length / attention.head_count`; both equal |
/// | `attention.layer_norm_rms_epsilon` | gpt2: `attention.layer_norm_epsilon` |
/// | `attention.scale` | factor of q · k, absent or 0: `1 / sqrt(key_length)` |
/// | `attention.sliding_window` | positions that a windowed layer sees, its own included; absent or 0: none |
/// | `attention.sliding_window_pattern` | true for each windowed layer, or n: each n-th has none, 0: all; gemma3 6 |
/// | `embedding_scale` | absent or 0: 1, gemma3 `sqrt(embedding_length)` |
/// | `rope.dimension_count` | `attention.key_length` |
/// | `rope.freq_base` | 10,000; gemma3 1,000,000 |
/// | `rope.freq_base_swa` | of windowed layers, which are then not scaled; absent: as the others, gemma3 10,000 |
/// | `rope.scaling.…` | {@link RopeReader} |
/// | `vocab_size` | where there is no `tokenizer.ggml.tokens` |
/// | `pooling_type` and what else changes no arithmetic | not read |
///
/// Not after the name of the architecture: `tokenizer.ggml.tokens`, as many as the embedding has rows, and
/// `quire.rope.pairs`, `halves` or `adjacent`, for a file that stores its query and key rows in another order than the
/// architecture's GGUF files. Tensors: {@link WeightBinder}. What would change the result and is not computed is
/// refused by its name: {@link NeutralKeys}.
public enum Architecture {
    /// Llama, Mistral, SmolLM2, TinyLlama (Touvron et al., 2023).
    LLAMA("llama", Norm.RMS, Activation.GATED_SILU, Rope.Pairs.ADJACENT),
    /// Qwen2 and Qwen2.5: Llama with biases of query, key and value.
    QWEN2("qwen2", Norm.RMS, Activation.GATED_SILU, Rope.Pairs.HALVES),
    QWEN3("qwen3", Norm.RMS, Activation.GATED_SILU, Rope.Pairs.HALVES, Trait.HEAD_NORMS),
    GEMMA3(
            "gemma3",
            Norm.RMS,
            Activation.GATED_GELU,
            Rope.Pairs.HALVES,
            Trait.HEAD_NORMS,
            Trait.POST_NORMS,
            Trait.SCALED_EMBEDDING,
            Trait.LOCAL_LAYERS),
    /// Phi-3, Phi-3.5, Phi-4: `ffn_up` holds gate and up, one below the other.
    PHI3("phi3", Norm.RMS, Activation.GATED_SILU, Rope.Pairs.HALVES, Trait.FUSED_GATE),
    /// GPT-2 (Radford et al., 2019).
    GPT2("gpt2", Norm.LAYER, Activation.GELU, Rope.Pairs.HALVES, Trait.LEARNED_POSITIONS, Trait.BIASES);

    /// What an architecture has beyond norms, attention and a feed-forward part.
    enum Trait {
        /// Queries and keys are normalised head by head.
        HEAD_NORMS,
        /// What attention and feed-forward add to the residual stream is normalised.
        POST_NORMS,
        /// The embedding is multiplied by the root of its width.
        SCALED_EMBEDDING,
        /// Five layers with a window, whose rope has a base of its own, then one without.
        LOCAL_LAYERS,
        /// Gate and up are one tensor.
        FUSED_GATE,
        /// A learned embedding of positions instead of a rope.
        LEARNED_POSITIONS,
        /// Every product has a bias; elsewhere each is computed where the file has it.
        BIASES
    }

    /// Tokens; the longest contexts in use have 10,485,760. A file that claims more is damaged.
    private static final int MOST_CONTEXT = 1 << 24;

    private final String key;
    private final Norm norm;
    private final Activation activation;
    private final Rope.Pairs pairs;
    private final Set<Trait> traits;

    Architecture(String key, Norm norm, Activation activation, Rope.Pairs pairs, Trait... traits) {
        this.key = key;
        this.norm = norm;
        this.activation = activation;
        this.pairs = pairs;
        this.traits = Set.of(traits);
    }

    /// The architecture that a model file names; one that is not known is refused with the list of those that are.
    public static Architecture of(ModelMetadata metadata) {
        String name = metadata.string("general.architecture");
        for (Architecture architecture : values()) {
            if (architecture.key.equals(name)) {
                return architecture;
            }
        }
        String known = Arrays.stream(values()).map(a -> a.key).collect(Collectors.joining(", "));
        throw new ModelFileException("architecture must be one of " + known + ": general.architecture="
                + ModelFileException.printable(name)
                + ", file=" + metadata.file());
    }

    /// Tokens that a sequence of the model may have.
    public int contextLength(ModelMetadata metadata) {
        String name = key("context_length");
        int contextLength = metadata.integer(name);
        if (contextLength < 1 || contextLength > MOST_CONTEXT) {
            throw new ModelFileException("metadata value is not usable: key=" + name + ", expected=1 to " + MOST_CONTEXT
                    + ", found=" + contextLength + ", file=" + metadata.file());
        }
        return contextLength;
    }

    /// The model's numbers, checked, for sequences of up to `contextLength` tokens: at most the model's own. Some ropes
    /// depend on it, so one process has one.
    public ModelShape shape(ModelFile file, int contextLength) {
        return new ShapeReader(this, file).shape(contextLength);
    }

    /// The same at the model's own context length.
    public ModelShape shape(ModelFile file) {
        return shape(file, contextLength(file.metadata()));
    }

    /// The architecture's key `name` in the metadata.
    String key(String name) {
        return key + "." + name;
    }

    boolean has(Trait trait) {
        return traits.contains(trait);
    }

    Norm norm() {
        return norm;
    }

    Activation activation() {
        return activation;
    }

    /// Which elements of a head turn together in the architecture's GGUF files.
    Rope.Pairs pairs() {
        return pairs;
    }

    /// Names of `activation` in `hidden_activation`, where a file has that.
    List<String> activationNames() {
        return switch (activation) {
            case GATED_SILU -> List.of("silu", "swish");
            case GATED_GELU, GELU -> List.of("gelu_pytorch_tanh", "gelu_new", "gelu_tanh");
        };
    }
}
