package dev.quire.engine;

import dev.quire.cache.BlockLog;

/// What became of blocks in one turn of the loop, in order; `step`: steps that had been computed by then.
///
/// `missed`: events before these that this listener was not told of, because it was slow or they were too many.
/// Immutable; the arrays are shared between listeners.
public final class CacheEvents {
    /// What became of a block; see {@link #other}.
    public enum Kind {
        ALLOCATED,
        SHARED,
        COPIED,
        EVICTED,
        SWAPPED_OUT,
        SWAPPED_IN,
        MOVED,
        RELEASED
    }

    private final long step;
    private final long missed;
    private final Kind[] kind;
    private final int[] block;
    private final int[] other;

    CacheEvents(long step, long missed, Kind[] kind, int[] block, int[] other) {
        this.step = step;
        this.missed = missed;
        this.kind = kind;
        this.block = block;
        this.other = other;
    }

    /// What is in `log`.
    static CacheEvents of(BlockLog log, long step) {
        var kind = new Kind[log.count()];
        var block = new int[log.count()];
        var other = new int[log.count()];
        for (int i = 0; i < kind.length; i++) {
            kind[i] = kind(log.kind(i));
            block[i] = log.block(i);
            other[i] = log.other(i);
        }
        return new CacheEvents(step, 0, kind, block, other);
    }

    private static Kind kind(BlockLog.Kind kind) {
        return switch (kind) {
            case ALLOCATED -> Kind.ALLOCATED;
            case SHARED -> Kind.SHARED;
            case COPIED -> Kind.COPIED;
            case EVICTED -> Kind.EVICTED;
            case SWAPPED_OUT -> Kind.SWAPPED_OUT;
            case SWAPPED_IN -> Kind.SWAPPED_IN;
            case MOVED -> Kind.MOVED;
            case RELEASED -> Kind.RELEASED;
        };
    }

    /// The same for one who missed `events` before.
    CacheEvents after(long events) {
        return new CacheEvents(step, events, kind, block, other);
    }

    public long step() {
        return step;
    }

    public long missed() {
        return missed;
    }

    public int count() {
        return kind.length;
    }

    public Kind kind(int index) {
        return kind[index];
    }

    /// The block that it became of.
    public int block(int index) {
        return block[index];
    }

    /// The other block of a copy or a move, the slot of the swap space, or the references that there are now.
    public int other(int index) {
        return other[index];
    }
}
