package dev.quire.format;

import dev.quire.format.HuggingFaceArchitecture.Sizes;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/// Which tensors a model must have by its configuration, what they are called in GGUF, and what their contents need to
/// be the same there (llama.cpp's `tensor_mapping.py` and converters).
///
/// Exactly those must be there: one that is missing, has another shape, or that nobody asked for, is refused, because
/// a forward pass without it would run and answer wrongly. Only what no forward pass reads is left alone.
///
/// Not thread-safe: {@link HuggingFaceFolder#open} owns it.
final class HuggingFaceTensors {
    /// What becomes of a tensor's contents.
    enum Form {
        /// Nothing: its bytes are used where they are mapped.
        MATRIX,
        /// A vector in F32.
        VECTOR,
        /// A vector in F32, 1 added: Gemma multiplies by 1 + weight.
        NORM_ABOVE_ONE,
        /// Rows and columns change places: GPT-2 stores `[input, output]`.
        TRANSPOSED
    }

    /// A tensor under GGUF's name: `[rows, columns]` after its `form`.
    record Part(String name, StoredTensor stored, long rows, long columns, Form form) {}

    /// Bytes that are compared at a time.
    private static final long READ_BYTES = 1 << 20;

    private static final List<String> VISION =
            List.of("vision_tower.", "multi_modal_projector.", "model.vision_tower.", "model.multi_modal_projector.");

    private final HuggingFaceArchitecture architecture;
    private final HuggingFaceConfig config;
    private final HuggingFaceConfig text;
    private final Sizes sizes;
    private final Shards shards;
    private final OpenFiles files;
    private final String prefix;
    private final Map<String, Part> parts = new LinkedHashMap<>();
    private final Set<String> used = new HashSet<>();

    HuggingFaceTensors(
            HuggingFaceArchitecture architecture,
            HuggingFaceConfig config,
            Sizes sizes,
            Shards shards,
            OpenFiles files) {
        this.architecture = architecture;
        this.config = config;
        this.text = architecture.textConfig(config);
        this.sizes = sizes;
        this.shards = shards;
        this.files = files;
        this.prefix = prefix();
    }

    /// The parts by GGUF's name.
    Map<String, Part> bind() {
        if (sizes.layers() > shards.tensors().size()) {
            throw config.unexpected(
                    "num_hidden_layers",
                    "at most the tensors, " + shards.tensors().size(),
                    Integer.toString(sizes.layers()));
        }
        if (architecture == HuggingFaceArchitecture.GPT2) {
            gpt2();
        } else {
            llamaLike();
        }
        for (StoredTensor tensor : shards.tensors().values()) {
            if (!used.contains(tensor.name()) && !isIgnored(tensor.name())) {
                throw tensor.refusal(
                        "tensor must be one of the configured model's",
                        "tensor=" + tensor.printableName() + ", model_type="
                                + architecture.name().toLowerCase(Locale.ROOT));
            }
        }
        return parts;
    }

    private void llamaLike() {
        ends("embed_tokens.weight");
        norm("norm.weight", "output_norm.weight", sizes.embedding());
        for (int layer = 0; layer < sizes.layers(); layer++) {
            String from = "layers." + layer + ".";
            String to = "blk." + layer + ".";
            norm(from + "input_layernorm.weight", to + "attn_norm.weight", sizes.embedding());
            attention(from + "self_attn.", to);
            if (architecture.isGemma()) {
                norm(from + "post_attention_layernorm.weight", to + "post_attention_norm.weight", sizes.embedding());
                norm(from + "pre_feedforward_layernorm.weight", to + "ffn_norm.weight", sizes.embedding());
                norm(from + "post_feedforward_layernorm.weight", to + "post_ffw_norm.weight", sizes.embedding());
            } else {
                norm(from + "post_attention_layernorm.weight", to + "ffn_norm.weight", sizes.embedding());
            }
            feedForward(from + "mlp.", to);
        }
    }

    private void feedForward(String from, String to) {
        long hidden = sizes.feedForward();
        boolean biases = architecture == HuggingFaceArchitecture.LLAMA && text.flag("mlp_bias", false);
        if (architecture == HuggingFaceArchitecture.PHI3) {
            matrix(from + "gate_up_proj.weight", to + "ffn_up.weight", 2 * hidden, sizes.embedding());
        } else {
            projection(from + "gate_proj", to + "ffn_gate", hidden, sizes.embedding(), biases);
            projection(from + "up_proj", to + "ffn_up", hidden, sizes.embedding(), biases);
        }
        projection(from + "down_proj", to + "ffn_down", sizes.embedding(), hidden, biases);
    }

    private void attention(String from, String to) {
        long queryWidth = sizes.queryWidth();
        long kvWidth = sizes.kvWidth();
        if (architecture == HuggingFaceArchitecture.PHI3) {
            matrix(from + "qkv_proj.weight", to + "attn_qkv.weight", queryWidth + 2 * kvWidth, sizes.embedding());
        } else {
            boolean biases =
                    switch (architecture) {
                        case QWEN2 -> true;
                        case LLAMA, QWEN3, GEMMA3, GEMMA3_TEXT -> text.flag("attention_bias", false);
                        case MISTRAL, PHI3, GPT2 -> false;
                    };
            projection(from + "q_proj", to + "attn_q", queryWidth, sizes.embedding(), biases);
            projection(from + "k_proj", to + "attn_k", kvWidth, sizes.embedding(), biases);
            projection(from + "v_proj", to + "attn_v", kvWidth, sizes.embedding(), biases);
            if (biases && architecture != HuggingFaceArchitecture.QWEN2) {
                vector(from + "o_proj.bias", to + "attn_output.bias", sizes.embedding());
            }
        }
        matrix(from + "o_proj.weight", to + "attn_output.weight", sizes.embedding(), queryWidth);
        if (architecture.isGemma() || architecture == HuggingFaceArchitecture.QWEN3) {
            norm(from + "q_norm.weight", to + "attn_q_norm.weight", sizes.headDim());
            norm(from + "k_norm.weight", to + "attn_k_norm.weight", sizes.headDim());
        }
    }

    private void projection(String from, String to, long rows, long columns, boolean bias) {
        matrix(from + ".weight", to + ".weight", rows, columns);
        if (bias) {
            vector(from + ".bias", to + ".bias", rows);
        }
    }

    private void gpt2() {
        long width = sizes.embedding();
        ends("wte.weight");
        matrix("wpe.weight", "position_embd.weight", sizes.contextLength(), width);
        norm("ln_f.weight", "output_norm.weight", width);
        vector("ln_f.bias", "output_norm.bias", width);
        for (int layer = 0; layer < sizes.layers(); layer++) {
            String from = "h." + layer + ".";
            String to = "blk." + layer + ".";
            norm(from + "ln_1.weight", to + "attn_norm.weight", width);
            vector(from + "ln_1.bias", to + "attn_norm.bias", width);
            transposed(from + "attn.c_attn", to + "attn_qkv", 3 * width, width);
            transposed(from + "attn.c_proj", to + "attn_output", width, width);
            norm(from + "ln_2.weight", to + "ffn_norm.weight", width);
            vector(from + "ln_2.bias", to + "ffn_norm.bias", width);
            transposed(from + "mlp.c_fc", to + "ffn_up", sizes.feedForward(), width);
            transposed(from + "mlp.c_proj", to + "ffn_down", width, sizes.feedForward());
        }
    }

    private void transposed(String from, String to, long rows, long columns) {
        StoredTensor weight = stored(prefix + from + ".weight", columns, rows);
        add(new Part(to + ".weight", weight, rows, columns, Form.TRANSPOSED));
        vector(from + ".bias", to + ".bias", rows);
    }

    /// Embedding and output head, either of which may stand for both where the configuration ties them. Two that are
    /// there and differ are not tied, whatever the configuration says: so does Transformers.
    private void ends(String embeddingName) {
        String headName = prefix.startsWith("language_model.") ? "language_model.lm_head.weight" : "lm_head.weight";
        boolean tied = architecture.isTied(config);
        StoredTensor head = shards.tensors().get(headName);
        String name = tied && head != null && !shards.tensors().containsKey(prefix + embeddingName)
                ? headName
                : prefix + embeddingName;
        StoredTensor embedding = stored(name, sizes.vocabulary(), sizes.embedding());
        add(new Part("token_embd.weight", embedding, sizes.vocabulary(), sizes.embedding(), Form.MATRIX));
        if (tied && (head == null || head == embedding)) {
            return;
        }
        head = stored(headName, sizes.vocabulary(), sizes.embedding());
        used.add(headName);
        boolean same = tied && head.type() == embedding.type() && haveSameBytes(head.data(), embedding.data());
        if (!same) {
            add(new Part("output.weight", head, sizes.vocabulary(), sizes.embedding(), Form.MATRIX));
        }
    }

    private boolean haveSameBytes(MemorySegment a, MemorySegment b) {
        for (long at = 0; at < a.byteSize(); at += READ_BYTES) {
            long count = Math.min(READ_BYTES, a.byteSize() - at);
            if (!Arrays.equals(files.read(a.asSlice(at, count)), files.read(b.asSlice(at, count)))) {
                return false;
            }
        }
        return true;
    }

    private void matrix(String from, String to, long rows, long columns) {
        add(new Part(to, stored(prefix + from, rows, columns), rows, columns, Form.MATRIX));
    }

    private void vector(String from, String to, long size) {
        add(new Part(to, stored(prefix + from, 1, size), 1, size, Form.VECTOR));
    }

    private void norm(String from, String to, long size) {
        Form form = architecture.isGemma() ? Form.NORM_ABOVE_ONE : Form.VECTOR;
        add(new Part(to, stored(prefix + from, 1, size), 1, size, form));
    }

    private void add(Part part) {
        used.add(part.stored().name());
        parts.put(part.name(), part);
    }

    /// The tensor, checked.
    private StoredTensor stored(String name, long rows, long columns) {
        StoredTensor tensor = shards.tensors().get(name);
        if (tensor == null) {
            throw new ModelFileException("tensor is missing: tensor=" + name + ", files="
                    + shards.files().size() + ", file="
                    + shards.files().getFirst().path());
        }
        if (!tensor.is(rows, columns)) {
            throw tensor.refusal(
                    "tensor must have the shape that the configuration gives it",
                    "tensor=" + name + ", expected=" + (rows == 1 ? "[" : "[" + rows + ", ") + columns + "], found="
                            + Arrays.toString(tensor.shape()));
        }
        tensor.weightType();
        return tensor;
    }

    /// What stands before every name: checkpoints were written by different classes and releases.
    private String prefix() {
        List<String> prefixes =
                switch (architecture) {
                    case GPT2 -> List.of("transformer.", "");
                    case GEMMA3 -> List.of("language_model.model.", "model.language_model.", "model.", "");
                    case GEMMA3_TEXT -> List.of("model.", "language_model.model.", "model.language_model.", "");
                    case LLAMA, MISTRAL, QWEN2, QWEN3, PHI3 -> List.of("model.", "");
                };
        String norm = architecture == HuggingFaceArchitecture.GPT2 ? "ln_f.weight" : "norm.weight";
        return prefixes.stream()
                .filter(prefix -> shards.tensors().containsKey(prefix + norm))
                .findFirst()
                .orElse(prefixes.getFirst());
    }

    /// Tables that older checkpoints store and every forward pass computes, and the half of a model that sees pictures.
    private boolean isIgnored(String name) {
        return switch (architecture) {
            case GPT2 -> name.endsWith(".attn.bias") || name.endsWith(".attn.masked_bias");
            case GEMMA3, GEMMA3_TEXT -> VISION.stream().anyMatch(name::startsWith) || isFrequencies(name);
            case LLAMA, MISTRAL, QWEN2, QWEN3, PHI3 -> isFrequencies(name);
        };
    }

    private static boolean isFrequencies(String name) {
        return name.endsWith(".rotary_emb.inv_freq");
    }
}
