package dev.quire.kernel;

/// How the residual stream is normalised before a product.
public enum Norm {
    /// x / sqrt(mean(x²) + epsilon) · weight (Zhang and Sennrich, 2019).
    RMS,
    /// (x - mean(x)) / sqrt(variance(x) + epsilon) · weight + bias (Ba et al., 2016).
    LAYER
}
