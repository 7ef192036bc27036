package dev.quire.engine;

import dev.quire.cache.BlockTransfers;
import dev.quire.kernel.Kernels;
import dev.quire.scheduler.PreemptionCost;

/// Has the kernels copy blocks to the swap space and back, and tells the cache what has arrived.
///
/// A call of the kernels takes at most 32 blocks, and a step begins at most one that brings blocks back, so that
/// those that run are not held up; what leaves is begun at once, since somebody waits for the room.
///
/// Not thread-safe: the engine thread owns it.
final class BlockMover {
    private static final int BATCH = 32;

    private final Kernels kernels;
    private final BlockTransfers transfers;
    private final PreemptionCost cost;
    private final int[] block = new int[BATCH];
    private final int[] slot = new int[BATCH];

    BlockMover(Kernels kernels, BlockTransfers transfers, PreemptionCost cost) {
        this.kernels = kernels;
        this.transfers = transfers;
        this.cost = cost;
    }

    /// Takes note of what has arrived.
    void land() {
        while (transfers.inFlight() > 0 && kernels.swapped(transfers.ticket())) {
            transfers.done();
        }
    }

    /// Begins what is due.
    void begin() {
        boolean back = false;
        while (transfers.due() > 0 && !(back && !transfers.out(0))) {
            boolean out = transfers.out(0);
            int count = 0;
            while (count < BATCH && count < transfers.due() && transfers.out(count) == out) {
                block[count] = transfers.block(count);
                slot[count] = transfers.slot(count);
                count++;
            }
            long start = System.nanoTime();
            long ticket = out ? kernels.swapOut(block, slot, count) : kernels.swapIn(slot, block, count);
            transfers.begun(count, ticket);
            if (kernels.swapped(ticket)) {
                cost.copied(System.nanoTime() - start, count);
            }
            back |= !out;
        }
    }
}
