package dev.quire.engine;

import dev.quire.cache.BlockCopies;
import dev.quire.kernel.Kernels;

/// Has the kernels make a step's block copies, in order, in as few calls as their contract allows: a block that
/// was a source may be a destination in a later call only.
///
/// Not thread-safe: the engine thread owns it.
final class BlockCopier {
    private final Kernels kernels;
    private final int[] source;
    private final int[] destination;
    private int count;

    /// For at most `capacity` copies a call.
    BlockCopier(Kernels kernels, int capacity) {
        this.kernels = kernels;
        source = new int[capacity];
        destination = new int[capacity];
    }

    void carryOut(BlockCopies copies) {
        for (int i = 0; i < copies.count(); i++) {
            if (count == source.length || isSource(copies.destination(i))) {
                flush();
            }
            source[count] = copies.source(i);
            destination[count] = copies.destination(i);
            count++;
        }
        flush();
    }

    private boolean isSource(int block) {
        for (int i = 0; i < count; i++) {
            if (source[i] == block) {
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
