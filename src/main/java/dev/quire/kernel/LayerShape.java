package dev.quire.kernel;

/// What differs from layer to layer.
///
/// - `window`: positions that a token attends to, its own included (sliding window: Beltagy et al., 2020, section
///   3.1); {@link #WHOLE_CONTEXT} for all
/// - `rope`: index into {@link ModelShape#ropes}, or {@link #NO_ROPE}
public record LayerShape(int window, int rope) {
    public static final int WHOLE_CONTEXT = 0;
    public static final int NO_ROPE = -1;

    public LayerShape {
        if (window < 0) {
            throw new IllegalArgumentException("window must not be negative: window=" + window);
        }
        if (rope < NO_ROPE) {
            throw new IllegalArgumentException("rope must be an index or -1: rope=" + rope);
        }
    }
}
