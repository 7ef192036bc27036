package dev.quire.kernel;

import dev.quire.tensor.Tensor;

/// The operations of a step. {@link ReferenceKernels} defines each; a backend may round differently within the
/// tolerances of its parity test, but its bits never depend on batch mates, chunk cuts, threads or physical
/// blocks.
///
/// Life cycle: open (the backend's factory) → `weight` for each tensor → `bind` → `openCache` → steps → `close`. A
/// step: `beginStep` → `embed` → for each layer the five fused calls in the order below → `logits` → `sample` →
/// `endStep`. A call out of order is an {@link IllegalStateException}; a batch that breaks its contract (an id out
/// of range, a block outside the pool) is an {@link IllegalArgumentException} from `beginStep`, before anything is
/// written.
///
/// Not thread-safe: the thread that steps owns it (a backend may use worker threads within one call).
public interface Kernels extends AutoCloseable {
    /// Tokens in one page of the cache; the pool's block is one page.
    int PAGE_TOKENS = 16;

    /// Name and variant, for people: `cpu avx512 2 threads, bf16 cache`.
    String description();

    /// Takes over a weight and returns its id. The tensor's memory must stay valid until `close` (a backend may
    /// use it in place or make a packed copy).
    int weight(Tensor tensor);

    /// Says which weights the model is made of: one entry a layer, and those outside the layers.
    void bind(LayerWeights[] layers, ModelWeights model);

    /// What became of the weights, once they are bound.
    Packing packing();

    /// Waits until a file of packed weights that `bind` wrote is on the disk.
    void awaitPacked();

    /// May take up to `bytes` more memory to read the weights faster, in the background: their values stay.
    void spendOnWeights(long bytes);

    /// How the cache keeps keys and values; never AUTO.
    CacheType cacheType();

    /// Bytes of one block, keys and values, all layers.
    long blockBytes();

    /// Takes the pool: `blocks` blocks of `PAGE_TOKENS` slots. Its contents are unspecified.
    void openCache(int blocks);

    /// Copies whole blocks, all layers: `source[i]` → `destination[i]`, in any order: no destination is a source,
    /// or another destination, of the same call.
    void copyBlocks(int[] source, int[] destination, int count);

    /// Takes the swap space: `slots` blocks outside the pool. Its contents are unspecified.
    void openSwap(int slots);

    /// Begins to copy whole blocks out of the pool, `block[i]` → `slot[i]`, and returns a ticket, which is after
    /// all earlier ones. No block and no slot may be used until it is done.
    long swapOut(int[] block, int[] slot, int count);

    /// The same back into the pool, `slot[i]` → `block[i]`.
    long swapIn(int[] slot, int[] block, int count);

    /// Whether the copies of `ticket`, and of all before it, are done.
    boolean swapped(long ticket);

    /// Opens a step over `batch`, which must not change until `endStep`.
    void beginStep(Batch batch);

    /// x = embedding rows of the batch's tokens · embeddingScale, plus the position embedding where there is one.
    /// x is the residual stream `[T, embedding]`.
    void embed();

    /// q, k, v = projections of norm(x), with their biases; q and k normalised by head and rotated where the layer
    /// asks for it; k and v into the cache at `slot`.
    void attentionInput(int layer);

    /// a = softmax(q · Kᵀ · attentionScale) · V over each token's own position and those before it, as far as the
    /// layer's window reaches, through the block table.
    void pagedAttention(int layer);

    /// x = x + output · a, with the bias; the sum's right side normalised where there is a post-attention norm.
    void attentionOutput(int layer);

    /// h = activation of gate · n and up · n, with biases, n = norm(x).
    void feedForwardGate(int layer);

    /// x = x + down · h, with the bias; normalised as above where there is a post-feed-forward norm.
    void feedForwardDown(int layer);

    /// The logits of the R rows: outputHead · norm(x).
    void logits();

    /// Chooses a token for every row that samples, and writes the log-probabilities that rows ask for.
    void sample();

    void endStep();

    /// Copies logit row `row` of the last step, `[vocabulary]`, as they were before penalties: for tests and
    /// beams.
    void readLogits(int row, float[] destination);

    @Override
    void close();
}
