package dev.quire.kernel;

/// The most that one step may hold; buffers are made for it once.
///
/// - `tokens`: tokens computed in a step; `sequences`: sequences in it; `rows`: logit rows
/// - `tableBlocks`: blocks in one sequence's block table
/// - `history`: history tokens of all rows together, for penalties; `biases`: logit-bias entries of all rows together
public record BatchLimits(int tokens, int sequences, int rows, int tableBlocks, int history, int biases) {
    public BatchLimits {
        if (tokens <= 0 || sequences <= 0 || rows <= 0 || tableBlocks <= 0 || history < 0 || biases < 0) {
            throw new IllegalArgumentException("batch limits must be positive: tokens=" + tokens + ", sequences="
                    + sequences + ", rows=" + rows + ", tableBlocks=" + tableBlocks + ", history=" + history
                    + ", biases=" + biases);
        }
    }
}
