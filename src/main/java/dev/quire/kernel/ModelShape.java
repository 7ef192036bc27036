package dev.quire.kernel;

/// The numbers of a decoder-only transformer that the kernels need.
///
/// - `layers`, `embedding` (width of the residual stream), `feedForward` (width of the gated layer), `vocabulary`
/// - `heads` query heads share `kvHeads` key/value heads of `headDim` elements: `heads` is a multiple of `kvHeads`
/// - `contextLength`: tokens that a sequence may have
/// - `ropeDim`: leading elements of a head that are rotated, in pairs (2i, 2i + 1); `ropeBase`: theta
/// - `normEpsilon`: added to the mean square in RMSNorm
public record ModelShape(
        int layers,
        int embedding,
        int feedForward,
        int vocabulary,
        int heads,
        int kvHeads,
        int headDim,
        int contextLength,
        int ropeDim,
        float ropeBase,
        float normEpsilon) {
    public ModelShape {
        positive("layers", layers);
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
        if (ropeDim < 0 || ropeDim > headDim || ropeDim % 2 != 0) {
            throw new IllegalArgumentException(
                    "ropeDim must be even and at most headDim: ropeDim=" + ropeDim + ", headDim=" + headDim);
        }
        if (!(ropeBase > 0) || !(normEpsilon >= 0) || Float.isInfinite(ropeBase) || Float.isInfinite(normEpsilon)) {
            throw new IllegalArgumentException("ropeBase must be positive and normEpsilon not negative: ropeBase="
                    + ropeBase + ", normEpsilon=" + normEpsilon);
        }
    }

    private static void positive(String name, int value) {
        if (value <= 0) {
            throw new IllegalArgumentException(name + " must be positive: " + name + "=" + value);
        }
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
