package dev.quire.model;

import dev.quire.format.ModelFile;
import dev.quire.format.ModelFileException;
import dev.quire.format.ModelMetadata;
import dev.quire.kernel.LayerShape;
import dev.quire.kernel.ModelShape;
import dev.quire.kernel.Norm;
import dev.quire.kernel.Rope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Reads a {@link ModelShape} out of a file's metadata, in the words of {@link Architecture}.
final class ShapeReader {
    /// Far above any model: a bound of the tables that are made before the tensors are looked at.
    private static final int MOST_HEAD_DIM = 1 << 16;

    /// Gemma 3's largest model takes the scale of its attention from the embedding and not from the head, and GGUF does
    /// not say so: llama.cpp tells it by its number of layers.
    private static final int GEMMA3_27B_LAYERS = 62;

    /// Each sixth layer of Gemma 3 sees the whole context.
    private static final int LOCAL_PATTERN = 6;

    private static final int GLOBAL_ROPE = 0;
    private static final int LOCAL_ROPE = 1;

    private final Architecture architecture;
    private final ModelFile file;
    private final ModelMetadata metadata;

    ShapeReader(Architecture architecture, ModelFile file) {
        this.architecture = architecture;
        this.file = file;
        this.metadata = file.metadata();
    }

    ModelShape shape(int contextLength) {
        checkWhole();
        NeutralKeys.check(architecture, metadata);
        checkContextLength(contextLength);
        int heads = positive("attention.head_count");
        int embedding = positive("embedding_length");
        int layers = layers();
        int headDim = headDim(embedding / heads);
        List<Rope> ropes = ropes(contextLength, headDim);
        try {
            return new ModelShape(
                    embedding,
                    positive("feed_forward_length"),
                    vocabulary(),
                    heads,
                    has("attention.head_count_kv") ? positive("attention.head_count_kv") : heads,
                    headDim,
                    contextLength,
                    architecture.norm(),
                    (float) metadata.number(architecture.key(
                            architecture.norm() == Norm.RMS
                                    ? "attention.layer_norm_rms_epsilon"
                                    : "attention.layer_norm_epsilon")),
                    architecture.activation(),
                    (float) factor(
                            "embedding_scale",
                            architecture.has(Architecture.Trait.SCALED_EMBEDDING) ? Math.sqrt(embedding) : 1),
                    (float) factor("attention.scale", 1 / Math.sqrt(scaledWidth(layers, headDim, embedding / heads))),
                    ropes,
                    layerShapes(layers, contextLength, ropes.size()));
        } catch (IllegalArgumentException e) {
            throw unusable(e);
        }
    }

    /// Tokens of the file's vocabulary; a folder has that elsewhere and says only how many rows its embedding has.
    private int vocabulary() {
        String tokens = "tokenizer.ggml.tokens";
        return metadata.has(tokens) ? metadata.stringCount(tokens) : positive("vocab_size");
    }

    private List<Rope> ropes(int contextLength, int headDim) {
        if (architecture.has(Architecture.Trait.LEARNED_POSITIONS)) {
            return List.of();
        }
        try {
            var reader = new RopeReader(architecture, file, headDim);
            List<Rope> ropes = new ArrayList<>();
            ropes.add(reader.global(contextLength));
            if (architecture.has(Architecture.Trait.LOCAL_LAYERS) || has("rope.freq_base_swa")) {
                ropes.add(reader.local());
            }
            return ropes;
        } catch (IllegalArgumentException e) {
            throw unusable(e);
        }
    }

    private List<LayerShape> layerShapes(int layers, int contextLength, int ropes) {
        int window = whole("attention.sliding_window", 0);
        if (window < 0) {
            throw refusal("attention.sliding_window", "at least 0", Integer.toString(window));
        }
        boolean[] windowed = window == 0 ? new boolean[layers] : windowed(layers);
        LayerShape[] shapes = new LayerShape[layers];
        for (int layer = 0; layer < layers; layer++) {
            int rope = ropes == 0 ? LayerShape.NO_ROPE : windowed[layer] && ropes > 1 ? LOCAL_ROPE : GLOBAL_ROPE;
            // A window that holds every sequence is none.
            boolean cuts = windowed[layer] && window < contextLength;
            shapes[layer] = new LayerShape(cuts ? window : LayerShape.WHOLE_CONTEXT, rope);
        }
        return List.of(shapes);
    }

    /// Which layers have a window, in a file that has one.
    private boolean[] windowed(int layers) {
        String key = architecture.key("attention.sliding_window_pattern");
        boolean[] windowed = new boolean[layers];
        switch (metadata.values().get(key)) {
            case boolean[] flags when flags.length == layers -> System.arraycopy(flags, 0, windowed, 0, layers);
            case boolean[] flags -> throw patternLength(flags.length, layers);
            case long[] numbers
            when numbers.length == layers -> {
                for (int layer = 0; layer < layers; layer++) {
                    windowed[layer] = numbers[layer] != 0;
                }
            }
            case long[] numbers -> throw patternLength(numbers.length, layers);
            case null, default -> {
                int every =
                        metadata.integer(key, architecture.has(Architecture.Trait.LOCAL_LAYERS) ? LOCAL_PATTERN : 0);
                for (int layer = 0; layer < layers; layer++) {
                    windowed[layer] = every <= 0 || layer % every < every - 1;
                }
            }
        }
        return windowed;
    }

    private ModelFileException patternLength(int found, int layers) {
        return refusal("attention.sliding_window_pattern", layers + " entries", Integer.toString(found));
    }

    /// What the default scale of q · k is the inverse root of.
    private int scaledWidth(int layers, int headDim, int embeddingPerHead) {
        return architecture == Architecture.GEMMA3 && layers == GEMMA3_27B_LAYERS ? embeddingPerHead : headDim;
    }

    /// No more than the file has tensors: nothing is allocated for layers that cannot be there.
    private int layers() {
        int layers = positive("block_count");
        if (layers > file.tensors().size()) {
            throw refusal(
                    "block_count",
                    "at most the file's tensors, " + file.tensors().size(),
                    "" + layers);
        }
        return layers;
    }

    private int headDim(int otherwise) {
        int headDim = has("attention.key_length") ? positive("attention.key_length") : otherwise;
        if (headDim < 1 || headDim > MOST_HEAD_DIM) {
            throw refusal("attention.key_length", "1 to " + MOST_HEAD_DIM, Integer.toString(headDim));
        }
        for (String name :
                List.of("attention.value_length", "attention.key_length_swa", "attention.value_length_swa")) {
            int found = whole(name, headDim);
            if (found != headDim) {
                throw refusal(name, "the key length, " + headDim, Integer.toString(found));
            }
        }
        return headDim;
    }

    /// A part of a model that was split would lack tensors: said as what it is.
    private void checkWhole() {
        int parts = metadata.integer("split.count", 1);
        if (parts > 1) {
            throw new ModelFileException(
                    "model must be in one file: split.count=" + parts + ", file=" + metadata.file());
        }
    }

    private void checkContextLength(int contextLength) {
        int most = positive("context_length");
        if (contextLength < 1 || contextLength > most) {
            throw new IllegalArgumentException("context length must be between 1 and the model's: contextLength="
                    + contextLength + ", model=" + most);
        }
    }

    private boolean has(String name) {
        return metadata.has(architecture.key(name));
    }

    private int positive(String name) {
        int value = whole(name);
        if (value < 1) {
            throw refusal(name, "a positive number", Integer.toString(value));
        }
        return value;
    }

    private int whole(String name, int otherwise) {
        return has(name) ? whole(name) : otherwise;
    }

    /// An integer, or an array with one for each layer when they are the same: layers of different sizes are not
    /// computed.
    private int whole(String name) {
        String key = architecture.key(name);
        if (metadata.values().get(key) instanceof long[] numbers && numbers.length > 0) {
            if (Arrays.stream(numbers).distinct().count() > 1) {
                throw refusal(name, "the same in each layer", "array of different numbers");
            }
            return Math.toIntExact(Math.clamp(numbers[0], Integer.MIN_VALUE, Integer.MAX_VALUE));
        }
        return metadata.integer(key);
    }

    /// A factor that a file may leave out or give as 0.
    private double factor(String name, double otherwise) {
        double value = metadata.number(architecture.key(name), 0);
        return value == 0 ? otherwise : value;
    }

    private ModelFileException unusable(IllegalArgumentException e) {
        return new ModelFileException("model shape is not usable: " + e.getMessage() + ", file=" + metadata.file(), e);
    }

    private ModelFileException refusal(String name, String expected, String found) {
        return new ModelFileException("metadata value is not usable: key=" + architecture.key(name) + ", expected="
                + expected + ", found=" + found + ", file=" + metadata.file());
    }
}
