package dev.quire.kernel;

import java.util.List;

/// The numbers of a decoder-only transformer that the kernels need.
///
/// - `embedding` (width of the residual stream), `feedForward` (width of the hidden layer), `vocabulary`
/// - `heads` query heads share `kvHeads` key/value heads of `headDim` elements: `heads` is a multiple of `kvHeads`
/// - `contextLength`: tokens that a sequence may have
/// - `norm` with `normEpsilon`, added to the mean square (or the variance)
/// - `embeddingScale`: factor of an embedding row as it enters the residual stream
/// - `attentionScale`: factor of q · k, before the softmax
/// - `ropes`: the rotary embeddings that layers choose from
/// - `layerShapes`: one entry a layer
public record ModelShape(
        int embedding,
        int feedForward,
        int vocabulary,
        int heads,
        int kvHeads,
        int headDim,
        int contextLength,
        Norm norm,
        float normEpsilon,
        Activation activation,
        float embeddingScale,
        float attentionScale,
        List<Rope> ropes,
        List<LayerShape> layerShapes) {
    /// Far above any model, and so far below 31 bits that no sum or small product of widths wraps round.
    private static final int MOST_WIDE = 1 << 24;

    public ModelShape {
        positive("layers", layerShapes.size());
        positive("embedding", embedding);
        positive("feedForward", feedForward);
        positive("vocabulary", vocabulary);
        positive("heads", heads);
        positive("kvHeads", kvHeads);
        positive("headDim", headDim);
        positive("contextLength", contextLength);
        if (heads % kvHeads != 0) {
            throw new IllegalArgumentException(
                    "heads must be a multiple of kvHeads: heads=" + heads + ", kvHeads=" + kvHeads);
        }
        bounded("embedding", embedding);
        bounded("feedForward", feedForward);
        bounded("heads times headDim", (long) heads * headDim);
        positive("normEpsilon", normEpsilon);
        positive("embeddingScale", embeddingScale);
        positive("attentionScale", attentionScale);
        ropes = List.copyOf(ropes);
        layerShapes = List.copyOf(layerShapes);
        for (Rope rope : ropes) {
            if (rope.dim() > headDim) {
                throw new IllegalArgumentException(
                        "a rope must fit a head: ropeDim=" + rope.dim() + ", headDim=" + headDim);
            }
        }
        for (LayerShape layer : layerShapes) {
            if (layer.rope() >= ropes.size()) {
                throw new IllegalArgumentException(
                        "a layer's rope must be one of the model's: rope=" + layer.rope() + ", ropes=" + ropes.size());
            }
        }
    }

    private static void bounded(String name, long width) {
        if (width > MOST_WIDE) {
            throw new IllegalArgumentException(
                    name + " must be at most " + MOST_WIDE + ": " + name.replace(' ', '-') + "=" + width);
        }
    }

    private static void positive(String name, int value) {
        if (value <= 0) {
            throw new IllegalArgumentException(name + " must be positive: " + name + "=" + value);
        }
    }

    private static void positive(String name, float value) {
        if (!(value > 0) || Float.isInfinite(value)) {
            throw new IllegalArgumentException(name + " must be positive and finite: " + name + "=" + value);
        }
    }

    /// The same model for sequences of other lengths.
    public ModelShape withContextLength(int contextLength) {
        return new ModelShape(
                embedding,
                feedForward,
                vocabulary,
                heads,
                kvHeads,
                headDim,
                contextLength,
                norm,
                normEpsilon,
                activation,
                embeddingScale,
                attentionScale,
                ropes,
                layerShapes);
    }

    public int layers() {
        return layerShapes.size();
    }

    /// Elements of all query heads of one token.
    public int queryWidth() {
        return heads * headDim;
    }

    /// Elements of all key heads (or all value heads) of one token.
    public int kvWidth() {
        return kvHeads * headDim;
    }
}
