package dev.quire.engine;

import dev.quire.kernel.Batch;
import dev.quire.kernel.CacheType;
import dev.quire.kernel.Kernels;
import dev.quire.kernel.LayerWeights;
import dev.quire.kernel.ModelWeights;
import dev.quire.kernel.Packing;
import dev.quire.tensor.Tensor;

/// Kernels that compute nothing, to see the loop beside them: they draw tokens from a generator and, if asked to,
/// read memory as a forward pass reads its weights, so that the loop finds the processor's caches as it would.
final class IdleKernels implements Kernels {
    private static final int VOCABULARY = 49_152;
    private static final int LINE = 8; // longs in a cache line

    private final long[] weight;
    private Batch batch;
    private int weights;
    private long state = 1;
    private long sum;

    /// `bytes`: read in each step.
    IdleKernels(int bytes) {
        weight = new long[bytes / Long.BYTES];
    }

    @Override
    public String description() {
        return "idle";
    }

    @Override
    public int weight(Tensor tensor) {
        return weights++;
    }

    @Override
    public void bind(LayerWeights[] layers, ModelWeights model) {}

    @Override
    public Packing packing() {
        return new Packing(Packing.Kind.MEMORY, null, 0, "");
    }

    @Override
    public void awaitPacked() {}

    @Override
    public void spendOnWeights(long bytes) {}

    @Override
    public CacheType cacheType() {
        return CacheType.BF16;
    }

    @Override
    public long blockBytes() {
        return 1;
    }

    @Override
    public void openCache(int blocks) {}

    @Override
    public void copyBlocks(int[] source, int[] destination, int count) {}

    @Override
    public void openSwap(int slots) {}

    @Override
    public long swapOut(int[] block, int[] slot, int count) {
        return 0;
    }

    @Override
    public long swapIn(int[] slot, int[] block, int count) {
        return 0;
    }

    @Override
    public boolean swapped(long ticket) {
        return true;
    }

    @Override
    public void beginStep(Batch opened) {
        batch = opened;
    }

    @Override
    public void embed() {
        for (int i = 0; i < weight.length; i += LINE) {
            sum += weight[i];
        }
    }

    @Override
    public void attentionInput(int layer) {}

    @Override
    public void pagedAttention(int layer) {}

    @Override
    public void attentionOutput(int layer) {}

    @Override
    public void feedForwardGate(int layer) {}

    @Override
    public void feedForwardDown(int layer) {}

    @Override
    public void logits() {}

    /// Tokens of a linear congruential generator (Knuth's MMIX): no two sequences say the same.
    @Override
    public void sample() {
        for (int row = 0; row < batch.rows; row++) {
            state = state * 6364136223846793005L + 1442695040888963407L;
            batch.outToken.put(row, (int) ((state >>> 33) % VOCABULARY));
        }
    }

    @Override
    public void endStep() {}

    @Override
    public void readLogits(int row, float[] destination) {
        destination[0] = sum; // so that the reading is not in vain
    }

    @Override
    public void close() {}
}
