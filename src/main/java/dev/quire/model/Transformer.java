package dev.quire.model;

import dev.quire.format.ModelFile;
import dev.quire.format.ModelFileException;
import dev.quire.kernel.Batch;
import dev.quire.kernel.Kernels;
import dev.quire.kernel.LayerWeights;
import dev.quire.kernel.ModelShape;
import dev.quire.kernel.ModelWeights;
import dev.quire.tensor.Tensor;
import dev.quire.tensor.TensorType;

/// A decoder-only transformer: binds a model file's tensors to the kernels and walks the layers, five fused calls
/// each.
///
/// Not thread-safe: the engine thread owns it.
public final class Transformer {
    private final ModelShape shape;
    private final Kernels kernels;

    private Transformer(ModelShape shape, Kernels kernels) {
        this.shape = shape;
        this.kernels = kernels;
    }

    /// Hands every weight of `file` to `kernels`. A tensor that is missing or has another shape is a
    /// {@link ModelFileException}. The file must stay open as long as the kernels.
    public static Transformer load(ModelFile file, ModelShape shape, Kernels kernels) {
        return new Binder(file, shape, kernels).bind();
    }

    /// Computes `batch`: keys and values into the cache, tokens and log-probabilities into the batch.
    public void forward(Batch batch) {
        kernels.beginStep(batch);
        try {
            kernels.embed();
            for (int layer = 0; layer < shape.layers(); layer++) {
                kernels.attentionInput(layer);
                kernels.pagedAttention(layer);
                kernels.attentionOutput(layer);
                kernels.feedForwardGate(layer);
                kernels.feedForwardDown(layer);
            }
            kernels.logits();
            kernels.sample();
        } finally {
            kernels.endStep();
        }
    }

    /// Finds each tensor by its GGUF name and checks its shape once.
    private record Binder(ModelFile file, ModelShape shape, Kernels kernels) {
        Transformer bind() {
            refuse("rope_freqs.weight");
            int embedding = matrix("token_embd.weight", shape.vocabulary(), shape.embedding());
            int outputNorm = vector("output_norm.weight");
            // Without a head of its own a model reads the answer off its embedding (tied weights).
            int outputHead = file.find("output.weight").isPresent()
                    ? matrix("output.weight", shape.vocabulary(), shape.embedding())
                    : embedding;
            LayerWeights[] layers = new LayerWeights[shape.layers()];
            for (int layer = 0; layer < layers.length; layer++) {
                layers[layer] = layer("blk." + layer + ".");
            }
            kernels.bind(
                    layers, new ModelWeights(embedding, LayerWeights.NONE, outputNorm, LayerWeights.NONE, outputHead));
            return new Transformer(shape, kernels);
        }

        private LayerWeights layer(String prefix) {
            for (String name : new String[] {"attn_q.bias", "attn_k.bias", "attn_v.bias", "attn_output.bias"}) {
                refuse(prefix + name);
            }
            int embedding = shape.embedding();
            return new LayerWeights(
                    vector(prefix + "attn_norm.weight"),
                    LayerWeights.NONE,
                    matrix(prefix + "attn_q.weight", shape.queryWidth(), embedding),
                    LayerWeights.NONE,
                    matrix(prefix + "attn_k.weight", shape.kvWidth(), embedding),
                    LayerWeights.NONE,
                    matrix(prefix + "attn_v.weight", shape.kvWidth(), embedding),
                    LayerWeights.NONE,
                    LayerWeights.NONE,
                    LayerWeights.NONE,
                    matrix(prefix + "attn_output.weight", embedding, shape.queryWidth()),
                    LayerWeights.NONE,
                    LayerWeights.NONE,
                    vector(prefix + "ffn_norm.weight"),
                    LayerWeights.NONE,
                    matrix(prefix + "ffn_gate.weight", shape.feedForward(), embedding),
                    matrix(prefix + "ffn_up.weight", shape.feedForward(), embedding),
                    LayerWeights.NONE,
                    matrix(prefix + "ffn_down.weight", embedding, shape.feedForward()),
                    LayerWeights.NONE,
                    LayerWeights.NONE);
        }

        private int vector(String name) {
            Tensor tensor = file.tensor(name);
            if (tensor.type() != TensorType.F32) {
                throw new ModelFileException("tensor has an unexpected type: tensor=" + name + ", expected=F32, found="
                        + tensor.type() + ", file=" + file.path());
            }
            return checked(tensor, 1, shape.embedding());
        }

        private int matrix(String name, int rows, int columns) {
            return checked(file.tensor(name), rows, columns);
        }

        private int checked(Tensor tensor, int rows, int columns) {
            if (tensor.rows() != rows || tensor.columns() != columns) {
                throw new ModelFileException("tensor has an unexpected shape: tensor=" + tensor.name() + ", expected=["
                        + rows + ", " + columns + "], found=[" + tensor.rows() + ", " + tensor.columns() + "], file="
                        + file.path());
            }
            return kernels.weight(tensor);
        }

        /// A tensor that the forward pass would silently leave out changes the answer.
        private void refuse(String name) {
            if (file.find(name).isPresent()) {
                throw new ModelFileException("tensor is not supported: tensor=" + name + ", file=" + file.path());
            }
        }
    }
}
