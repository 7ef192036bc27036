package dev.quire.kernel;

/// Weights of one layer, as the ids that {@link Kernels#weight} returned.
///
/// Shapes `[rows, columns]`: norms `[1, embedding]` F32; `query` `[queryWidth, embedding]`; `key`, `value`
/// `[kvWidth, embedding]`; `output` `[embedding, queryWidth]`; `gate`, `up` `[feedForward, embedding]`; `down`
/// `[embedding, feedForward]`.
public record LayerWeights(
        int attentionNorm,
        int query,
        int key,
        int value,
        int output,
        int feedForwardNorm,
        int gate,
        int up,
        int down) {}
