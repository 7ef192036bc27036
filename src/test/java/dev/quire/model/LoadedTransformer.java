package dev.quire.model;

import dev.quire.format.ModelFile;
import dev.quire.kernel.Batch;
import dev.quire.kernel.BatchLimits;
import dev.quire.kernel.Kernels;
import dev.quire.kernel.ModelShape;
import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.function.BiFunction;

/// A model on some kernels without scheduler or engine: one sequence in blocks 0, 1, 2 …, computed as a test likes.
public final class LoadedTransformer implements AutoCloseable {
    private static final int TOKENS = 512;
    private static final int ROWS = 64;

    private final ModelFile file;
    private final ModelShape shape;
    private final Kernels kernels;
    private final Transformer transformer;
    private final Batch batch;

    /// At the model's own context length.
    public LoadedTransformer(Path path, BiFunction<ModelShape, BatchLimits, Kernels> backend) {
        this(path, OptionalInt.empty(), backend);
    }

    public LoadedTransformer(
            Path path, OptionalInt contextLength, BiFunction<ModelShape, BatchLimits, Kernels> backend) {
        file = ModelFile.open(path);
        Architecture architecture = Architecture.of(file.metadata());
        shape = architecture.shape(file, contextLength.orElseGet(() -> architecture.contextLength(file.metadata())));
        int blocks = Math.min(64, shape.contextLength() / Kernels.PAGE_TOKENS);
        var limits = new BatchLimits(TOKENS, 4, ROWS, blocks, 0, 0);
        kernels = backend.apply(shape, limits);
        transformer = Transformer.load(file, shape, kernels);
        kernels.openCache(blocks);
        batch = new Batch(limits);
    }

    public ModelFile file() {
        return file;
    }

    public ModelShape shape() {
        return shape;
    }

    /// Computes `tokens` from position 0 on in one step; logits `[tokens - firstRow, vocabulary]` of the positions
    /// from `firstRow` on.
    public float[][] logits(int[] tokens, int firstRow) {
        return logits(tokens, 0, firstRow);
    }

    /// The same for the tokens from position `from` on, those before having been computed.
    public float[][] logits(int[] tokens, int from, int firstRow) {
        batch.clear();
        for (int position = from; position < tokens.length; position++) {
            int at = batch.tokens++;
            batch.token.put(at, tokens[position]);
            batch.position.put(at, position);
            batch.slot.put(at, position);
        }
        batch.sequences = 1;
        batch.queryStart.put(1, batch.tokens);
        batch.contextLength.put(0, tokens.length);
        for (int block = 0; block < Math.ceilDiv(tokens.length, Kernels.PAGE_TOKENS); block++) {
            batch.blockTable.put(block, block);
        }
        for (int position = firstRow; position < tokens.length; position++) {
            batch.greedyRow(batch.rows++, position - from);
        }
        transformer.forward(batch);
        float[][] logits = new float[batch.rows][shape.vocabulary()];
        for (int row = 0; row < batch.rows; row++) {
            kernels.readLogits(row, logits[row]);
        }
        return logits;
    }

    @Override
    public void close() {
        kernels.close();
        file.close();
    }
}
