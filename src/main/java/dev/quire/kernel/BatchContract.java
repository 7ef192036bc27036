package dev.quire.kernel;

/// What a batch must be before a step may read or write through it. A broken rule could hand one user's keys and
/// values to another, so it is always checked and never asserted.
final class BatchContract {
    private BatchContract() {}

    static void check(Batch batch, BatchLimits limits, ModelShape shape, int blocks) {
        inRange("tokens", batch.tokens, 0, limits.tokens());
        inRange("sequences", batch.sequences, 0, limits.sequences());
        inRange("rows", batch.rows, 0, limits.rows());
        inRange("queryStart[0]", batch.queryStart.get(0), 0, 0);
        inRange("queryStart[sequences]", batch.queryStart.get(batch.sequences), batch.tokens, batch.tokens);
        for (int s = 0; s < batch.sequences; s++) {
            checkSequence(batch, limits, shape, blocks, s);
        }
        for (int r = 0; r < batch.rows; r++) {
            checkRow(batch, limits, shape, r);
        }
    }

    private static void checkSequence(Batch batch, BatchLimits limits, ModelShape shape, int blocks, int s) {
        int first = batch.queryStart.get(s);
        int end = batch.queryStart.get(s + 1);
        int length = batch.contextLength.get(s);
        int most = Math.min(shape.contextLength(), limits.tableBlocks() * Kernels.PAGE_TOKENS);
        inRange("contextLength[" + s + "]", length, 1, most);
        inRange("queryStart[" + (s + 1) + "]", end, first + 1, first + length);
        int used = (length + Kernels.PAGE_TOKENS - 1) / Kernels.PAGE_TOKENS;
        for (int i = 0; i < used; i++) {
            int block = batch.blockTable.get(s * limits.tableBlocks() + i);
            inRange("blockTable[" + s + "][" + i + "]", block, 0, blocks - 1);
        }
        for (int t = first; t < end; t++) {
            int position = length - (end - t);
            inRange("token[" + t + "]", batch.token.get(t), 0, shape.vocabulary() - 1);
            inRange("position[" + t + "]", batch.position.get(t), position, position);
            int block = batch.blockTable.get(s * limits.tableBlocks() + position / Kernels.PAGE_TOKENS);
            long slot = (long) block * Kernels.PAGE_TOKENS + position % Kernels.PAGE_TOKENS;
            if (batch.slot.get(t) != -1 && batch.slot.get(t) != slot) {
                throw new IllegalArgumentException("slot must be the block table's or -1: slot[" + t + "]="
                        + batch.slot.get(t) + ", expected=" + slot);
            }
        }
    }

    private static void checkRow(Batch batch, BatchLimits limits, ModelShape shape, int r) {
        inRange("logitRow[" + r + "]", batch.logitRow.get(r), 0, batch.tokens - 1);
        inRange("logprobs[" + r + "]", batch.logprobs.get(r), Batch.NO_LOGPROBS, Batch.TOP_LOGPROBS);
        inRange("scoredToken[" + r + "]", batch.scoredToken.get(r), Batch.SAMPLE, shape.vocabulary() - 1);
        int historyLength = batch.historyLength.get(r);
        inRange("historyLength[" + r + "]", historyLength, 0, limits.history());
        inRange("historyStart[" + r + "]", batch.historyStart.get(r), 0, limits.history() - historyLength);
        inRange("promptLength[" + r + "]", batch.promptLength.get(r), 0, historyLength);
        for (int i = batch.historyStart.get(r); i < batch.historyStart.get(r) + historyLength; i++) {
            inRange("history[" + i + "]", batch.history.get(i), 0, shape.vocabulary() - 1);
        }
        int biasLength = batch.biasLength.get(r);
        inRange("biasLength[" + r + "]", biasLength, 0, limits.biases());
        inRange("biasStart[" + r + "]", batch.biasStart.get(r), 0, limits.biases() - biasLength);
        for (int i = batch.biasStart.get(r); i < batch.biasStart.get(r) + biasLength; i++) {
            inRange("biasToken[" + i + "]", batch.biasToken.get(i), 0, shape.vocabulary() - 1);
        }
    }

    private static void inRange(String name, int value, int low, int high) {
        if (value < low || value > high) {
            throw new IllegalArgumentException(
                    name + " must be between " + low + " and " + high + ": " + name + "=" + value);
        }
    }
}
