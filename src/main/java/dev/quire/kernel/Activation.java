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

    /// One element of the hidden layer; `gate` counts only where there is one.
    float of(float gate, float up) {
        return switch (this) {
            case GATED_SILU -> gate / (1 + (float) Math.exp(-gate)) * up;
            case GATED_GELU -> (float) (gelu(gate) * up);
            case GELU -> (float) gelu(up);
        };
    }

    private static double gelu(double x) {
        return 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
    }
}
