package dev.quire.model;

import dev.quire.format.ModelFile;
import dev.quire.format.ModelFileException;
import dev.quire.kernel.Batch;
import dev.quire.kernel.Kernels;
import dev.quire.kernel.ModelShape;
import java.lang.foreign.Arena;

/// A decoder-only transformer: binds a model file's tensors to the kernels and walks the layers, five fused calls
/// each. What differs between architectures is data, in the shape and in which weights there are.
///
/// Not thread-safe: the engine thread owns it.
public final class Transformer {
    private final ModelShape shape;
    private final Kernels kernels;
    private final Arena converted; // weights that are not used as the file has them, freed with this
    private long sampleNanos;

    private Transformer(ModelShape shape, Kernels kernels, Arena converted) {
        this.shape = shape;
        this.kernels = kernels;
        this.converted = converted;
    }

    /// Hands every weight of `file` to `kernels`. A tensor that is missing, has another shape or would be left out is
    /// a {@link ModelFileException}. The file must stay open, and this be held, as long as the kernels.
    public static Transformer load(ModelFile file, ModelShape shape, Kernels kernels) {
        Arena converted = Arena.ofAuto();
        var binder = new WeightBinder(Architecture.of(file.metadata()), file, shape, kernels::weight, converted);
        WeightBinder.Bound bound = binder.bind();
        kernels.bind(bound.layers(), bound.weights());
        return new Transformer(shape, kernels, converted);
    }

    /// Refuses what {@link #load} would refuse, without kernels: what a file claims of its shape is worth no memory
    /// before its tensors bear it out.
    public static void check(ModelFile file, ModelShape shape) {
        try (Arena converted = Arena.ofConfined()) {
            new WeightBinder(Architecture.of(file.metadata()), file, shape, tensor -> 0, converted).bind();
        }
    }

    /// Computes `batch`: keys and values into the cache, tokens and log-probabilities into the batch.
    public void forward(Batch batch) {
        sampleNanos = 0;
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
            long drawing = System.nanoTime();
            kernels.sample();
            sampleNanos = System.nanoTime() - drawing;
        } finally {
            kernels.endStep();
        }
    }

    /// How long the last pass took to choose tokens from its logits.
    public long sampleNanos() {
        return sampleNanos;
    }
}
