package dev.quire.model;

import dev.quire.format.ModelFileException;
import dev.quire.format.ModelMetadata;
import dev.quire.kernel.Activation;
import dev.quire.kernel.LayerShape;
import dev.quire.kernel.ModelShape;
import dev.quire.kernel.Norm;
import dev.quire.kernel.Rope;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.Collectors;

/// The architectures that {@link Transformer} runs, by the name in `general.architecture`, and how each writes its
/// numbers into the metadata. A further one is a further row here, never a further forward pass.
public enum Architecture {
    /// Llama and its relatives: RMSNorm, rotary embedding, grouped-query attention, gated SiLU (Touvron et al., 2023).
    LLAMA("llama");

    private final String key;

    Architecture(String key) {
        this.key = key;
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
        throw new ModelFileException("architecture must be one of " + known + ": general.architecture=" + name
                + ", file=" + metadata.file());
    }

    /// The model's numbers, checked. `vocabulary` is the number of tokens in the file.
    public ModelShape shape(ModelMetadata metadata) {
        refuseRopeScaling(metadata);
        int heads = number(metadata, "attention.head_count");
        int embedding = number(metadata, "embedding_length");
        if (heads < 1) {
            throw new ModelFileException(
                    "heads must be positive: " + key + ".attention.head_count=" + heads + ", file=" + metadata.file());
        }
        int headDim = metadata.integer(key + ".attention.key_length", embedding / heads);
        try {
            return new ModelShape(
                    embedding,
                    number(metadata, "feed_forward_length"),
                    metadata.strings("tokenizer.ggml.tokens").length,
                    heads,
                    metadata.integer(key + ".attention.head_count_kv", heads),
                    headDim,
                    number(metadata, "context_length"),
                    Norm.RMS,
                    (float) metadata.number(key + ".attention.layer_norm_rms_epsilon"),
                    Activation.GATED_SILU,
                    1,
                    (float) (1 / Math.sqrt(headDim)),
                    List.of(Rope.of(
                            Rope.Pairs.ADJACENT,
                            metadata.integer(key + ".rope.dimension_count", headDim),
                            metadata.number(key + ".rope.freq_base", 10_000))),
                    Collections.nCopies(number(metadata, "block_count"), new LayerShape(LayerShape.WHOLE_CONTEXT, 0)));
        } catch (IllegalArgumentException e) {
            throw new ModelFileException(
                    "model shape is not usable: " + e.getMessage() + ", file=" + metadata.file(), e);
        }
    }

    /// A model made for scaled positions would run without an error and answer wrongly, so it is refused.
    private void refuseRopeScaling(ModelMetadata metadata) {
        String scaling = metadata.string(key + ".rope.scaling.type", "none");
        if (!scaling.equals("none")) {
            throw new ModelFileException("RoPE scaling is not supported: " + key + ".rope.scaling.type=" + scaling
                    + ", file=" + metadata.file());
        }
    }

    private int number(ModelMetadata metadata, String name) {
        return metadata.integer(key + "." + name);
    }
}
