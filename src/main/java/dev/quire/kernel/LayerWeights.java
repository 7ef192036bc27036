package dev.quire.kernel;

/// Weights of one layer, as the ids that {@link Kernels#weight} returned, or {@link #NONE}.
///
/// Shapes `[rows, columns]`: `query` `[queryWidth, embedding]`; `key`, `value` `[kvWidth, embedding]`; `output`
/// `[embedding, queryWidth]`; `gate`, `up` `[feedForward, embedding]`; `down` `[embedding, feedForward]`. Norms and
/// biases are vectors `[1, n]` in F32: `queryNorm` and `keyNorm` (RMS over each head, before RoPE) have n = headDim,
/// the other norms n = embedding, a bias the rows of its matrix.
///
/// Always there: `attentionNorm`, `feedForwardNorm` and the matrices, `gate` where the activation is gated.
/// `postAttentionNorm` and `postFeedForwardNorm` normalise what `output` and `down` add to the residual stream.
public record LayerWeights(
        int attentionNorm,
        int attentionNormBias,
        int query,
        int queryBias,
        int key,
        int keyBias,
        int value,
        int valueBias,
        int queryNorm,
        int keyNorm,
        int output,
        int outputBias,
        int postAttentionNorm,
        int feedForwardNorm,
        int feedForwardNormBias,
        int gate,
        int gateBias,
        int up,
        int upBias,
        int down,
        int downBias,
        int postFeedForwardNorm) {
    /// The model has no such weight.
    public static final int NONE = -1;
}
