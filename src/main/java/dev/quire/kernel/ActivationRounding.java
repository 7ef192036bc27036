package dev.quire.kernel;

/// What becomes of the input of a product with a quantised weight before it is multiplied.
public interface ActivationRounding {
    /// Nothing: the definition.
    ActivationRounding NONE = (in, tokens, columns) -> in;

    /// What the native CPU kernels do (`quantise.cpp`).
    ActivationRounding INT8_WITH_OUTLIERS = new IntegerRounding(127, 32, 128);

    /// The rounded rows of `in` `[tokens, columns]`: another array, or `in` where nothing is rounded.
    float[] round(float[] in, int tokens, int columns);
}
