package dev.quire.kernel;

/// Weights outside the layers, as the ids that {@link Kernels#weight} returned, or {@link LayerWeights#NONE}.
///
/// Shapes `[rows, columns]`: `embedding` and `outputHead` `[vocabulary, embedding]` (the same id where tied);
/// `positionEmbedding` `[at least contextLength, embedding]`, added to the embedding of a token at its position;
/// `outputNorm` and `outputNormBias` `[1, embedding]` F32.
public record ModelWeights(int embedding, int positionEmbedding, int outputNorm, int outputNormBias, int outputHead) {}
