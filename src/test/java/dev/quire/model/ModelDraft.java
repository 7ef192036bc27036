package dev.quire.model;

import dev.quire.format.GgufFile;
import dev.quire.format.GgufWriter;
import dev.quire.kernel.BatchLimits;
import dev.quire.kernel.Kernels;
import dev.quire.kernel.ModelShape;
import dev.quire.kernel.ReferenceKernels;
import dev.quire.tensor.TensorType;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/// A model file in the making, whose keys and tensors a test changes one at a time: embedding 8, two heads of 4, one
/// key/value head, one layer, a feed-forward part of 6, five tokens, all weights 0.5.
final class ModelDraft {
    private record Matrix(TensorType type, int rows, int columns) {}

    private final String architecture;
    private final Map<String, Object> metadata = new LinkedHashMap<>();
    private final Map<String, Matrix> tensors = new LinkedHashMap<>();

    ModelDraft(String architecture) {
        this.architecture = architecture;
        metadata.put("general.architecture", architecture);
        metadata.put("tokenizer.ggml.tokens", new String[] {"a", "b", "c", "d", "e"});
        set("context_length", 64L).set("embedding_length", 8L).set("block_count", 1L);
        set("feed_forward_length", 6L).set("attention.head_count", 2L).set("attention.head_count_kv", 1L);
        set("attention.layer_norm_rms_epsilon", 1e-5f).set("rope.freq_base", 100f);
        tensor("token_embd.weight", 5, 8).tensor("output_norm.weight", 1, 8);
        layer(0);
    }

    ModelDraft layer(int layer) {
        String prefix = "blk." + layer + ".";
        tensor(prefix + "attn_norm.weight", 1, 8).tensor(prefix + "ffn_norm.weight", 1, 8);
        tensor(prefix + "attn_q.weight", 8, 8).tensor(prefix + "attn_k.weight", 4, 8);
        tensor(prefix + "attn_v.weight", 4, 8).tensor(prefix + "attn_output.weight", 8, 8);
        tensor(prefix + "ffn_gate.weight", 6, 8).tensor(prefix + "ffn_up.weight", 6, 8);
        return tensor(prefix + "ffn_down.weight", 8, 6);
    }

    ModelDraft layers(int layers) {
        set("block_count", (long) layers);
        for (int layer = 1; layer < layers; layer++) {
            layer(layer);
        }
        return this;
    }

    /// Sets the architecture's key `name` to a `Long`, `Float`, `Boolean`, `String`, `int[]` or `boolean[]`.
    ModelDraft set(String name, Object value) {
        return setWhole(architecture + "." + name, value);
    }

    ModelDraft setWhole(String key, Object value) {
        metadata.put(key, value);
        return this;
    }

    ModelDraft without(String name) {
        metadata.remove(architecture + "." + name);
        return this;
    }

    /// An F32 tensor.
    ModelDraft tensor(String name, int rows, int columns) {
        return tensor(name, TensorType.F32, rows, columns);
    }

    /// An F32 or F16 tensor.
    ModelDraft tensor(String name, TensorType type, int rows, int columns) {
        tensors.put(name, new Matrix(type, rows, columns));
        return this;
    }

    ModelDraft withoutTensor(String name) {
        tensors.remove(name);
        return this;
    }

    GgufFile open(Path folder) {
        var writer = new GgufWriter();
        metadata.forEach((key, value) -> put(writer, key, value));
        tensors.forEach((name, matrix) -> {
            byte[] data =
                    new byte[matrix.rows() * matrix.columns() * matrix.type().blockBytes()];
            // 0.5 is 0x3f000000 as float32, 0x3800 as float16.
            for (int at = matrix.type().blockBytes() - 1;
                    at < data.length;
                    at += matrix.type().blockBytes()) {
                data[at] = (byte) (matrix.type() == TensorType.F32 ? 0x3f : 0x38);
            }
            long[] sizes =
                    matrix.rows() == 1 ? new long[] {matrix.columns()} : new long[] {matrix.columns(), matrix.rows()};
            writer.tensor(name, matrix.type(), data, sizes);
        });
        return GgufFile.open(writer.write(folder.resolve("draft.gguf")));
    }

    /// The shape at the model's own context length.
    ModelShape shape(Path folder) {
        return shape(folder, -1);
    }

    ModelShape shape(Path folder, int contextLength) {
        try (GgufFile file = open(folder)) {
            Architecture architecture = Architecture.of(file.metadata());
            return contextLength < 0 ? architecture.shape(file) : architecture.shape(file, contextLength);
        }
    }

    /// Loads the whole model on the reference kernels.
    void load(Path folder) {
        try (GgufFile file = open(folder)) {
            ModelShape shape = Architecture.of(file.metadata()).shape(file);
            try (Kernels kernels = new ReferenceKernels(shape, new BatchLimits(4, 1, 1, 4, 0, 0))) {
                Transformer.load(file, shape, kernels);
            }
        }
    }

    private static void put(GgufWriter writer, String key, Object value) {
        switch (value) {
            case Long number -> writer.uint32(key, number);
            case Float number -> writer.float32(key, number);
            case Boolean flag -> writer.bool(key, flag);
            case String text -> writer.string(key, text);
            case int[] numbers -> writer.int32s(key, numbers);
            case boolean[] flags -> writer.bools(key, flags);
            case String[] texts -> writer.strings(key, texts);
            default -> throw new IllegalArgumentException("value must have a type of GGUF: key=" + key);
        }
    }
}
