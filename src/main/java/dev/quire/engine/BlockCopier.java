package dev.quire.engine;

import dev.quire.cache.BlockCopies;
import dev.quire.kernel.Kernels;

/// Has the kernels make a step's block copies, in order, in as few calls as their contract allows: a block that
/// was a source or a destination may be written, and one that was a destination may be read, in a later call only.
///
/// Not thread-safe: the engine thread owns it.
final class BlockCopier {
    private static final int BATCH = 64; // copies of one call

    private final Kernels kernels;
    private final int[] source = new int[BATCH];
    private final int[] destination = new int[BATCH];
    private int count;

    BlockCopier(Kernels kernels) {
        this.kernels = kernels;
    }

    void carryOut(BlockCopies copies) {
        for (int i = 0; i < copies.count(); i++) {
            if (count == source.length || clashes(copies.source(i), copies.destination(i))) {
                flush();
            }
            source[count] = copies.source(i);
            destination[count] = copies.destination(i);
            count++;
        }
        flush();
    }

    /// Whether a copy must come after one of this call.
    private boolean clashes(int from, int to) {
        for (int i = 0; i < count; i++) {
            if (source[i] == to || destination[i] == to || destination[i] == from) {
                return true;
            }
        }
        return false;
    }

    private void flush() {
        if (count > 0) {
            int copied = count;
            count = 0;
            kernels.copyBlocks(source, destination, copied);
        }
    }
}
