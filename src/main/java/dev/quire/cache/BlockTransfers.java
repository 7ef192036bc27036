package dev.quire.cache;

/// Copies between the pool and the swap space, in the order in which they were asked for: *due* until the engine
/// has begun them, then *in flight* until their ticket is done. Whole blocks; a block and its slot are nobody
/// else's until then.
///
/// Made once: at most one copy for each slot can be under way. Not thread-safe: the engine thread owns it.
public final class BlockTransfers {
    private final BlockPool pool;
    private final SwapSpace space;
    private final boolean[] out; // [slots] from the pool into the space; all four are rings
    private final int[] block;
    private final int[] slot;
    private final long[] ticket;
    private int first;
    private int inFlight;
    private int due;
    private long copiedOut;
    private long copiedIn;

    BlockTransfers(BlockPool pool, SwapSpace space) {
        this.pool = pool;
        this.space = space;
        out = new boolean[space.slots()];
        block = new int[space.slots()];
        slot = new int[space.slots()];
        ticket = new long[space.slots()];
    }

    /// Where nothing is swapped.
    static BlockTransfers none(BlockPool pool) {
        return new BlockTransfers(pool, new SwapSpace(0));
    }

    SwapSpace space() {
        return space;
    }

    /// Slots of the swap space.
    public int slots() {
        return space.slots();
    }

    /// Slots of those that are taken.
    public int slotsUsed() {
        return space.used();
    }

    /// Blocks that were copied into the swap space, since the start.
    public long copiedOut() {
        return copiedOut;
    }

    /// Blocks that were copied back, since the start.
    public long copiedIn() {
        return copiedIn;
    }

    /// Copies to be begun, in order: `out`, `block` and `slot` of 0 … `due - 1`.
    public int due() {
        return due;
    }

    /// Copies begun and not done.
    public int inFlight() {
        return inFlight;
    }

    /// Whether copy `index` of those due goes from the pool into the space.
    public boolean out(int index) {
        return out[at(inFlight + checked(index))];
    }

    public int block(int index) {
        return block[at(inFlight + checked(index))];
    }

    public int slot(int index) {
        return slot[at(inFlight + checked(index))];
    }

    /// The first `count` of those due have been begun as `issued`, a ticket after all earlier ones.
    public void begun(int count, long issued) {
        if (count < 0 || count > due) {
            throw new IllegalArgumentException("count must be at most due: count=" + count + ", due=" + due);
        }
        for (int i = 0; i < count; i++) {
            ticket[at(inFlight + i)] = issued;
        }
        inFlight += count;
        due -= count;
    }

    /// The ticket that must be done next; there must be one.
    public long ticket() {
        if (inFlight == 0) {
            throw new IllegalStateException("a copy must be in flight: inFlight=0");
        }
        return ticket[first];
    }

    /// The copies of `ticket` are done: their blocks and slots may be used.
    public void done() {
        long which = ticket();
        while (inFlight > 0 && ticket[first] == which) {
            copiedOut += out[first] ? 1 : 0;
            copiedIn += out[first] ? 0 : 1;
            pool.landed(block[first]);
            space.landed(slot[first]);
            first = at(1);
            inFlight--;
        }
    }

    void add(boolean outwards, int which, int where) {
        if (inFlight + due == slot.length) {
            throw new CorruptStateException("a slot must be under one copy only: slots=" + slot.length);
        }
        int at = at(inFlight + due);
        out[at] = outwards;
        block[at] = which;
        slot[at] = where;
        pool.log().add(outwards ? BlockLog.Kind.SWAPPED_OUT : BlockLog.Kind.SWAPPED_IN, which, where);
        due++;
    }

    private int at(int offset) {
        int at = first + offset;
        return at >= slot.length ? at - slot.length : at;
    }

    private int checked(int index) {
        if (index < 0 || index >= due) {
            throw new IllegalArgumentException("index must be below due: index=" + index + ", due=" + due);
        }
        return index;
    }
}
