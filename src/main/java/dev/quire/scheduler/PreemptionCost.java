package dev.quire.scheduler;

/// Whether a sequence that must give way is moved to the swap space or dropped and computed again: whichever takes
/// less time, as measured, unless a setting says which.
///
/// Not thread-safe: the engine thread owns it.
public final class PreemptionCost {
    /// What the setting says.
    public enum Mode {
        /// What is cheaper.
        AUTO,
        RECOMPUTE,
        SWAP
    }

    /// The weight of the last measurement: a step that was held up moves the mean by an eighth.
    private static final double WEIGHT = 0.125;

    private final Mode mode;
    private double nanosPerToken;
    private double nanosPerBlock;

    /// Without measurements a token takes 1 ms and a block 0.1 ms.
    public PreemptionCost(Mode mode) {
        this.mode = mode;
        nanosPerToken = 1e6;
        nanosPerBlock = 1e5;
    }

    /// A step took `nanos` to compute `tokens` tokens, most of them prompt.
    public void computed(long nanos, int tokens) {
        nanosPerToken += WEIGHT * ((double) nanos / tokens - nanosPerToken);
    }

    /// Copying `blocks` blocks one way took `nanos`.
    public void copied(long nanos, int blocks) {
        nanosPerBlock += WEIGHT * ((double) nanos / blocks - nanosPerBlock);
    }

    /// Whether to swap a sequence of `tokens` computed tokens of which `blocks` blocks would move, there and back.
    boolean swaps(int tokens, int blocks) {
        return switch (mode) {
            case SWAP -> true;
            case RECOMPUTE -> false;
            case AUTO -> 2 * nanosPerBlock * blocks < nanosPerToken * tokens;
        };
    }
}
