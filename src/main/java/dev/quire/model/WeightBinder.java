package dev.quire.model;

import dev.quire.format.ModelFile;
import dev.quire.format.ModelFileException;
import dev.quire.kernel.Kernels;
import dev.quire.kernel.LayerWeights;
import dev.quire.kernel.ModelShape;
import dev.quire.kernel.ModelWeights;
import dev.quire.kernel.Norm;
import dev.quire.model.Architecture.Trait;
import dev.quire.tensor.Dequantizer;
import dev.quire.tensor.Tensor;
import dev.quire.tensor.TensorType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.function.ToIntFunction;

/// Finds each tensor by its GGUF name, checks its shape and registers it.
///
/// `token_embd`, `position_embd`, `output_norm`, `output` (absent: the embedding); in `blk.N.`: `attn_norm`, `attn_q`,
/// `attn_k`, `attn_v` or one below the other in `attn_qkv`, `attn_q_norm`, `attn_k_norm`, `attn_output`,
/// `post_attention_norm`, `ffn_norm`, `ffn_gate` and `ffn_up` or both in `ffn_up`, `ffn_down`, `post_ffw_norm`; each
/// with `.weight`, products and layer norms also with `.bias`. Matrices may have any type; a vector of another type
/// than F32 becomes one.
///
/// Every tensor of the file must be used or known to be of no effect: one that the forward pass left out silently would
/// change the answer.
final class WeightBinder {
    /// Read by {@link RopeReader}, or a precomputed copy of what it works out.
    private static final Set<String> ROPE_TENSORS =
            Set.of(RopeReader.FREQUENCY_FACTORS, RopeReader.LONG_FACTORS, RopeReader.SHORT_FACTORS);

    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

    private final Architecture architecture;
    private final ModelFile file;
    private final ModelShape shape;
    private final ToIntFunction<Tensor> register;
    private final Arena arena;
    private final Set<String> used = new HashSet<>();

    /// What {@link Kernels#bind} takes.
    record Bound(LayerWeights[] layers, ModelWeights weights) {}

    /// `register` takes a weight over and gives its id, as {@link Kernels#weight} does; `arena` holds converted
    /// vectors and must live as long as the kernels.
    WeightBinder(
            Architecture architecture, ModelFile file, ModelShape shape, ToIntFunction<Tensor> register, Arena arena) {
        this.architecture = architecture;
        this.file = file;
        this.shape = shape;
        this.register = register;
        this.arena = arena;
    }

    Bound bind() {
        int width = shape.embedding();
        int embedding = matrix("token_embd.weight", shape.vocabulary(), width);
        int positions = architecture.has(Trait.LEARNED_POSITIONS)
                ? matrix("position_embd.weight", architecture.contextLength(file.metadata()), width)
                : LayerWeights.NONE;
        int outputNorm = vector("output_norm.weight", width);
        int outputNormBias = normBias("output_norm.bias");
        // Without a head of its own a model reads the answer off its embedding (tied weights).
        int outputHead =
                file.find("output.weight").isPresent() ? matrix("output.weight", shape.vocabulary(), width) : embedding;
        LayerWeights[] layers = new LayerWeights[shape.layers()];
        for (int layer = 0; layer < layers.length; layer++) {
            layers[layer] = layer("blk." + layer + ".");
        }
        refuseUnused();
        return new Bound(layers, new ModelWeights(embedding, positions, outputNorm, outputNormBias, outputHead));
    }

    private LayerWeights layer(String prefix) {
        int width = shape.embedding();
        int[] attention = attention(prefix);
        int[] gateAndUp = gateAndUp(prefix);
        boolean headNorms = architecture.has(Trait.HEAD_NORMS);
        boolean postNorms = architecture.has(Trait.POST_NORMS);
        return new LayerWeights(
                vector(prefix + "attn_norm.weight", width),
                normBias(prefix + "attn_norm.bias"),
                attention[0],
                attention[1],
                attention[2],
                attention[3],
                attention[4],
                attention[5],
                vectorIf(headNorms, prefix + "attn_q_norm.weight", shape.headDim()),
                vectorIf(headNorms, prefix + "attn_k_norm.weight", shape.headDim()),
                matrix(prefix + "attn_output.weight", width, shape.queryWidth()),
                bias(prefix + "attn_output.bias", width),
                vectorIf(postNorms, prefix + "post_attention_norm.weight", width),
                vector(prefix + "ffn_norm.weight", width),
                normBias(prefix + "ffn_norm.bias"),
                gateAndUp[0],
                shape.activation().gated() ? bias(prefix + "ffn_gate.bias", shape.feedForward()) : LayerWeights.NONE,
                gateAndUp[1],
                bias(prefix + "ffn_up.bias", shape.feedForward()),
                matrix(prefix + "ffn_down.weight", width, shape.feedForward()),
                bias(prefix + "ffn_down.bias", width),
                vectorIf(postNorms, prefix + "post_ffw_norm.weight", width));
    }

    /// Query, query bias, key, key bias, value, value bias.
    private int[] attention(String prefix) {
        int width = shape.embedding();
        int queries = shape.queryWidth();
        int keys = shape.kvWidth();
        if (file.find(prefix + "attn_qkv.weight").isEmpty()) {
            return new int[] {
                matrix(prefix + "attn_q.weight", queries, width),
                bias(prefix + "attn_q.bias", queries),
                matrix(prefix + "attn_k.weight", keys, width),
                bias(prefix + "attn_k.bias", keys),
                matrix(prefix + "attn_v.weight", keys, width),
                bias(prefix + "attn_v.bias", keys)
            };
        }
        Tensor fused = tensor(prefix + "attn_qkv.weight", queries + 2 * keys, width);
        Optional<Tensor> bias = biasTensor(prefix + "attn_qkv.bias", queries + 2 * keys);
        return new int[] {
            register.applyAsInt(fused.rows(0, queries)),
            part(bias, 0, queries),
            register.applyAsInt(fused.rows(queries, keys)),
            part(bias, queries, keys),
            register.applyAsInt(fused.rows(queries + keys, keys)),
            part(bias, queries + keys, keys)
        };
    }

    private int[] gateAndUp(String prefix) {
        int width = shape.embedding();
        int hidden = shape.feedForward();
        String gate = prefix + "ffn_gate.weight";
        String up = prefix + "ffn_up.weight";
        if (architecture.has(Trait.FUSED_GATE) && file.find(gate).isEmpty()) {
            Tensor fused = tensor(up, 2 * hidden, width);
            return new int[] {
                register.applyAsInt(fused.rows(0, hidden)), register.applyAsInt(fused.rows(hidden, hidden))
            };
        }
        return new int[] {
            shape.activation().gated() ? matrix(gate, hidden, width) : LayerWeights.NONE, matrix(up, hidden, width)
        };
    }

    private int matrix(String name, int rows, int columns) {
        return register.applyAsInt(tensor(name, rows, columns));
    }

    private int vector(String name, int elements) {
        return register.applyAsInt(asFloats(tensor(name, 1, elements)));
    }

    private int vectorIf(boolean present, String name, int elements) {
        return present ? vector(name, elements) : LayerWeights.NONE;
    }

    private int normBias(String name) {
        return vectorIf(shape.norm() == Norm.LAYER, name, shape.embedding());
    }

    private int bias(String name, int elements) {
        return biasTensor(name, elements).map(register::applyAsInt).orElse(LayerWeights.NONE);
    }

    private Optional<Tensor> biasTensor(String name, int elements) {
        return architecture.has(Trait.BIASES) || file.find(name).isPresent()
                ? Optional.of(asFloats(tensor(name, 1, elements)))
                : Optional.empty();
    }

    private int part(Optional<Tensor> vector, int from, int count) {
        return vector.map(whole -> register.applyAsInt(new Tensor(
                        whole.name() + "[" + from + ", " + (from + count) + ")",
                        TensorType.F32,
                        1,
                        count,
                        whole.data().asSlice((long) from * Float.BYTES, (long) count * Float.BYTES))))
                .orElse(LayerWeights.NONE);
    }

    private Tensor asFloats(Tensor vector) {
        if (vector.type() == TensorType.F32) {
            return vector;
        }
        float[] values = new float[Math.toIntExact(vector.columns())];
        Dequantizer.readRow(file.read(vector), 0, values);
        MemorySegment data = arena.allocate((long) values.length * Float.BYTES, Long.BYTES);
        MemorySegment.copy(values, 0, data, FLOAT, 0, values.length);
        return new Tensor(vector.name(), TensorType.F32, 1, values.length, data);
    }

    private Tensor tensor(String name, int rows, int columns) {
        Tensor tensor = file.tensor(name);
        used.add(name);
        if (tensor.rows() != rows || tensor.columns() != columns) {
            throw unexpectedShape(tensor, rows, columns, file.path());
        }
        return tensor;
    }

    static ModelFileException unexpectedShape(Tensor tensor, int rows, int columns, Path path) {
        return new ModelFileException("tensor has an unexpected shape: tensor=" + tensor.name() + ", expected=[" + rows
                + ", " + columns + "], found=[" + tensor.rows() + ", " + tensor.columns() + "], file=" + path);
    }

    private void refuseUnused() {
        boolean rotates = !architecture.has(Trait.LEARNED_POSITIONS);
        for (Tensor tensor : file.tensors()) {
            String name = tensor.name();
            // Older files carry the table of rotations in each layer.
            boolean table = name.contains(".attn_rot_embd");
            if (!used.contains(name) && !(rotates && (table || ROPE_TENSORS.contains(name)))) {
                throw new ModelFileException("tensor is not supported: tensor=" + name + ", general.architecture="
                        + file.metadata().string("general.architecture") + ", file=" + file.path());
            }
        }
    }
}
