package dev.quire.format;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/// A folder in Hugging Face's layout in the making, whose configuration and tensors a test changes one at a time:
/// embedding 8, two heads of 4, one key/value head, one layer, a feed-forward part of 6, five tokens. Each element of a
/// tensor has a value of its own. It checks nothing: wrong folders are what it is for.
public final class FolderWriter {
    static final int EMBEDDING = 8;
    static final int FEED_FORWARD = 6;
    static final int VOCABULARY = 5;

    private record Matrix(String dtype, long[] shape, byte[] bytes) {}

    private final ObjectNode config = new ObjectMapper().createObjectNode();
    private final Map<String, Matrix> tensors = new LinkedHashMap<>();
    private final Map<String, byte[]> files = new LinkedHashMap<>();
    private int values;

    private FolderWriter() {}

    /// A model of `modelType` with everything that it needs.
    public static FolderWriter of(String modelType) {
        var folder = new FolderWriter();
        folder.config.put("model_type", modelType);
        if (modelType.equals("gpt2")) {
            folder.gpt2();
        } else {
            folder.llamaLike(modelType);
        }
        return folder;
    }

    private void llamaLike(String modelType) {
        config.put("hidden_size", EMBEDDING)
                .put("intermediate_size", FEED_FORWARD)
                .put("vocab_size", VOCABULARY);
        config.put("num_hidden_layers", 1).put("num_attention_heads", 2).put("num_key_value_heads", 1);
        config.put("max_position_embeddings", 64).put("head_dim", 4);
        boolean gemma = modelType.startsWith("gemma3");
        tensor("model.embed_tokens.weight", VOCABULARY, EMBEDDING);
        if (!gemma) {
            tensor("lm_head.weight", VOCABULARY, EMBEDDING);
        }
        tensor("model.norm.weight", EMBEDDING);
        String layer = "model.layers.0.";
        tensor(layer + "input_layernorm.weight", EMBEDDING)
                .tensor(layer + "post_attention_layernorm.weight", EMBEDDING);
        if (gemma) {
            tensor(layer + "pre_feedforward_layernorm.weight", EMBEDDING);
            tensor(layer + "post_feedforward_layernorm.weight", EMBEDDING);
        }
        if (gemma || modelType.equals("qwen3")) {
            tensor(layer + "self_attn.q_norm.weight", 4).tensor(layer + "self_attn.k_norm.weight", 4);
        }
        tensor(layer + "self_attn.o_proj.weight", EMBEDDING, EMBEDDING);
        if (modelType.equals("phi3")) {
            tensor(layer + "self_attn.qkv_proj.weight", 16, EMBEDDING);
            tensor(layer + "mlp.gate_up_proj.weight", 2 * FEED_FORWARD, EMBEDDING);
        } else {
            for (String part : new String[] {"q", "k", "v"}) {
                tensor(layer + "self_attn." + part + "_proj.weight", part.equals("q") ? 8 : 4, EMBEDDING);
                if (modelType.equals("qwen2")) {
                    tensor(layer + "self_attn." + part + "_proj.bias", part.equals("q") ? 8 : 4);
                }
            }
            tensor(layer + "mlp.gate_proj.weight", FEED_FORWARD, EMBEDDING);
            tensor(layer + "mlp.up_proj.weight", FEED_FORWARD, EMBEDDING);
        }
        tensor(layer + "mlp.down_proj.weight", EMBEDDING, FEED_FORWARD);
    }

    private void gpt2() {
        config.put("n_embd", EMBEDDING).put("n_inner", FEED_FORWARD).put("vocab_size", VOCABULARY);
        config.put("n_layer", 1).put("n_head", 2).put("n_positions", 64);
        tensor("transformer.wte.weight", VOCABULARY, EMBEDDING).tensor("transformer.wpe.weight", 64, EMBEDDING);
        tensor("transformer.ln_f.weight", EMBEDDING).tensor("transformer.ln_f.bias", EMBEDDING);
        String layer = "transformer.h.0.";
        for (String norm : new String[] {"ln_1", "ln_2"}) {
            tensor(layer + norm + ".weight", EMBEDDING).tensor(layer + norm + ".bias", EMBEDDING);
        }
        tensor(layer + "attn.c_attn.weight", EMBEDDING, 24).tensor(layer + "attn.c_attn.bias", 24);
        tensor(layer + "attn.c_proj.weight", EMBEDDING, EMBEDDING).tensor(layer + "attn.c_proj.bias", EMBEDDING);
        tensor(layer + "mlp.c_fc.weight", EMBEDDING, FEED_FORWARD).tensor(layer + "mlp.c_fc.bias", FEED_FORWARD);
        tensor(layer + "mlp.c_proj.weight", FEED_FORWARD, EMBEDDING).tensor(layer + "mlp.c_proj.bias", EMBEDDING);
    }

    /// The configuration, to be changed.
    ObjectNode config() {
        return config;
    }

    /// The tensors' names.
    List<String> names() {
        return List.copyOf(tensors.keySet());
    }

    /// Adds a tensor in float32, or puts it in the place of another one.
    FolderWriter tensor(String name, long... shape) {
        int elements = 1;
        for (long size : shape) {
            elements *= (int) size;
        }
        var bytes = ByteBuffer.allocate(4 * elements).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < elements; i++) {
            bytes.putFloat(values++);
        }
        return tensor(name, "F32", bytes.array(), shape);
    }

    FolderWriter tensor(String name, String dtype, byte[] bytes, long... shape) {
        tensors.put(name, new Matrix(dtype, shape, bytes));
        return this;
    }

    FolderWriter remove(String name) {
        tensors.remove(name);
        return this;
    }

    /// A tensor once more, under another name.
    FolderWriter copy(String name, String newName) {
        tensors.put(newName, tensors.get(name));
        return this;
    }

    /// Another name for a tensor.
    FolderWriter rename(String name, String newName) {
        tensors.put(newName, tensors.remove(name));
        return this;
    }

    /// Other starts of all names that have one.
    FolderWriter renameAll(String start, String newStart) {
        for (String name : tensors.keySet().toArray(String[]::new)) {
            if (name.startsWith(start)) {
                rename(name, newStart + name.substring(start.length()));
            }
        }
        return this;
    }

    /// A further file, or another one in the place of those that are written.
    FolderWriter file(String name, String text) {
        return file(name, text.getBytes(StandardCharsets.UTF_8));
    }

    FolderWriter file(String name, byte[] bytes) {
        files.put(name, bytes);
        return this;
    }

    /// The tensors whose name is wanted, as a safetensors file.
    byte[] safetensors(Predicate<String> wanted) {
        var writer = new SafetensorsWriter();
        tensors.forEach((name, tensor) -> {
            if (wanted.test(name)) {
                writer.tensor(name, tensor.dtype(), tensor.bytes(), tensor.shape());
            }
        });
        return writer.bytes();
    }

    /// `config.json`, one `model.safetensors`, and the files that were added.
    public Path write(Path folder) {
        try {
            Files.createDirectories(folder);
            Files.writeString(folder.resolve("config.json"), config.toString());
            Files.write(folder.resolve("model.safetensors"), safetensors(_ -> true));
            return writeFiles(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// `config.json` and the files that were added.
    Path writeWithoutModel(Path folder) {
        try {
            Files.createDirectories(folder);
            Files.writeString(folder.resolve("config.json"), config.toString());
            return writeFiles(folder);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Path writeFiles(Path folder) throws IOException {
        for (var file : files.entrySet()) {
            Files.write(folder.resolve(file.getKey()), file.getValue());
        }
        return folder;
    }
}
