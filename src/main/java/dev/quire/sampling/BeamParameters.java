package dev.quire.sampling;

/// What a beam search is asked for. Names and meanings are those of Hugging Face Transformers, whose `num_beams`
/// is `width`.
///
/// - `width`: beams kept alive, and hypotheses found, 1 … {@link #MAX_WIDTH}
/// - `lengthPenalty`: the exponent of the length that a hypothesis' log-probability is divided by; above 0 it
///   favours long ones, since log-probabilities are negative
/// - `earlyStopping`: when the search ends
public record BeamParameters(int width, float lengthPenalty, EarlyStopping earlyStopping) {
    /// Kernels give 20 log-probabilities a row, and a search needs `width` and one for each end token.
    public static final int MAX_WIDTH = 16;

    /// When a search ends that has found `width` hypotheses; before that it never does. A search of one beam is
    /// greedy, and ends at once, as in Transformers.
    public enum EarlyStopping {
        /// At once (`true`).
        WHEN_FULL,
        /// When the best live beam, if it ended here, would score no better than the worst hypothesis (`false`).
        HEURISTIC,
        /// When no continuation of the best live beam could score better (`"never"`), one of the most tokens at no
        /// cost included if the length penalty favours long ones.
        NEVER
    }

    public BeamParameters {
        if (width < 1 || width > MAX_WIDTH) {
            throw new IllegalArgumentException(
                    "beam_width must be between 1 and " + MAX_WIDTH + ": beam_width=" + width);
        }
        if (!Float.isFinite(lengthPenalty)) {
            throw new IllegalArgumentException("length_penalty must be finite: length_penalty=" + lengthPenalty);
        }
    }
}
