package dev.quire.kernel;

/// The hidden layer of the feed-forward part, g and u being the products with `gate` and `up`.
public enum Activation {
    /// silu(g) ⊙ u (Shazeer, 2020).
    GATED_SILU,
    /// gelu(g) ⊙ u, with the tanh approximation (Hendrycks and Gimpel, 2016).
    GATED_GELU,
    /// gelu(u), with the same approximation; there is no gate.
    GELU;

    public boolean gated() {
        return this != GELU;
    }
}
