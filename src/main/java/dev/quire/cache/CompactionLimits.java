package dev.quire.cache;

/// When blocks are moved together, and how fast.
///
/// - `threshold`: nothing is moved unless the fragmentation (`Fragmentation.ratio`) is above it, 0 to 1; with 1
///   nothing ever is
/// - `copies`: blocks copied between two steps, at most; a run of adjacent blocks, which cannot be torn, is moved
///   whole though it is longer
public record CompactionLimits(double threshold, int copies) {
    /// Nothing is ever moved.
    public static final CompactionLimits NEVER = new CompactionLimits(1, 1);

    public CompactionLimits {
        if (!(threshold >= 0 && threshold <= 1) || copies <= 0) {
            throw new IllegalArgumentException(
                    "threshold must be 0 to 1 and copies positive: threshold=" + threshold + ", copies=" + copies);
        }
    }
}
