package dev.quire.engine;

import java.util.OptionalLong;

/// One block of the pool.
///
/// - `references`: sequences that hold it; `owners`: the ids of the first {@link #MOST_OWNERS} of them
/// - `tokens`: tokens in it, those of a cached block too
/// - `unusedMillis`: time since the last sequence let go of it, 0 while one holds it; empty if none ever did
public record CacheBlock(int block, State state, int references, int tokens, long[] owners, OptionalLong unusedMillis) {
    /// A prefix may be shared by all that run; enough of them to see who does.
    public static final int MOST_OWNERS = 64;

    /// Where a block is.
    public enum State {
        FREE,
        CACHED,
        IN_USE,
        IN_TRANSIT
    }
}
