package dev.quire.engine;

/// The engine's state after its last step, as other threads see it. Blocks: `free + cached + inUse + inTransit =
/// blocks`.
///
/// - `tokensStored`: tokens held by the blocks in use, those of a shared block once; `waste` = their slots that
/// hold none
/// - `tokensLogical`: tokens of the running sequences, each on its own, choices that wait for their prompt
/// included
/// - `modelLength`: most tokens of a sequence
/// - `waiting`: accepted requests that do not run yet, inbox included; `capacity`: their bound
/// - `lastStepNanos`: `System.nanoTime()` at the end of the last step
/// - counters since start: `steps`, `preemptions`, `promptTokens` computed, `generatedTokens`, `finished`,
///   `cancelled`, `failed`
/// - `stepNanos`: what the engine thread's time went into
/// - `sharing`: what blocks of several readers save; `peaks`: the largest values since start
/// - `contiguous`: what a layout without pages would take for the same sequences
/// - `swap`: the room that preempted blocks go to
/// - `headroom`: whether blocks are short
/// - `fragmentation`: what slots are wasted on, and how far free blocks lie apart; `moves`: what was done about it
public record EngineStats(
        State state,
        String stateReason,
        int blockSize,
        int blocks,
        int free,
        int cached,
        int inUse,
        int inTransit,
        long tokensStored,
        long tokensLogical,
        long blockBytes,
        int modelLength,
        int running,
        int waiting,
        int capacity,
        long lastStepNanos,
        long steps,
        long preemptions,
        long promptTokens,
        long generatedTokens,
        long finished,
        long cancelled,
        long failed,
        StepNanos stepNanos,
        Sharing sharing,
        Peaks peaks,
        Contiguous contiguous,
        Swap swap,
        Headroom headroom,
        Fragmentation fragmentation,
        Moves moves) {
    /// Where the engine is in its life.
    public enum State {
        STARTING,
        READY,
        DRAINING,
        FAILED,
        STOPPED
    }

    /// Nanoseconds of the engine thread since the start, all of them: waiting for work; admission and planning;
    /// building batches; the model's kernels; choosing tokens; handing them out.
    public record StepNanos(long waiting, long schedule, long build, long kernels, long sample, long deliver) {}

    /// Sharing now and, from `prefixQueries` on, since the start.
    ///
    /// - `blocks`: blocks with several references; `saved`: references beyond the first of each, and so blocks
    ///   that
    /// would be taken besides
    /// - `prefixQueries`, `prefixHits`: tokens looked up in the prefix index, and those of them that were found
    /// - `evictions`: cached blocks taken for something else; `copies`: blocks copied before a write
    /// - `restarts`: sequences that started again because nobody computed the prefix they shared
    public record Sharing(
            int blocks, long saved, long prefixQueries, long prefixHits, long evictions, long copies, long restarts) {
        /// Share of the tokens looked up that were found, 0 to 1; 0 when none was.
        public double hitRate() {
            return prefixQueries == 0 ? 0 : (double) prefixHits / prefixQueries;
        }
    }

    /// The largest values since the start: sequences and blocks as planned, waste at the end of a step.
    public record Peaks(int running, int inUse, long saved, long wasteTokens) {}

    /// Slots of the swap space, each for a block, and how many are taken now. Since the start: `preemptions` that
    /// moved blocks there, and blocks copied out and back in.
    public record Swap(int slots, int used, long preemptions, long blocksOut, long blocksIn) {}

    /// How near admission is to its bounds. Headroom is `free + cached`, in blocks.
    ///
    /// - `low`, `high`: the watermarks of readiness
    /// - `deferred`: sequences that the last plan did not admit for want of blocks, 0 or 1
    /// - `shortSinceNanos`: `System.nanoTime()` of the first of the last steps without a break that left headroom
    ///   below the low watermark and deferred somebody; 0 = the last did not
    /// - `blocks`, `sequences`: what could be admitted if it came now
    public record Headroom(int low, int high, int deferred, long shortSinceNanos, int blocks, int sequences) {}

    /// Slots reserved for tokens that may come, those that can never be used, and those that cannot be had;
    /// `reserved + internal + tokensStored` = slots of the blocks that are held. The longest run of adjacent blocks
    /// that nobody holds, of the `available` at the time when it was looked for, which may be a second ago.
    public record Fragmentation(
            long reservedTokens, long internalTokens, long externalTokens, int longestFree, int available) {
        /// `1 - longest run / available`, 0 to 1; 0 if none is available.
        public double ratio() {
            return available == 0 ? 0 : 1 - (double) longestFree / available;
        }
    }

    /// Since the start: compactions that moved something, and the blocks that they copied; runs that were outgrown
    /// and copied to larger ones; times that a run was not to be had though enough blocks were free; sequences that
    /// outgrew their run and found no other.
    public record Moves(long compactions, long blocks, long relocations, long runsMissed, long runsOutgrown) {}

    /// Bytes of `tokens` slots.
    public long bytes(long tokens) {
        return blockSize == 0 ? 0 : tokens * blockBytes / blockSize;
    }

    /// Blocks that can be had now: those that nobody holds.
    public int available() {
        return free + cached;
    }

    /// What a contiguous layout would reserve for the sequences that run: the model's length for each, or what
    /// each request can reach.
    public record Contiguous(Reserved model, Reserved request) {}

    /// Blocks that would be reserved, and how many of the running sequences would fit the pool with them at once.
    public record Reserved(long blocks, int fitting, long peakBlocks, int peakFitting, long peakWasteTokens) {}

    /// Share of the pool's blocks that are taken, 0 to 1.
    public double blockUsage() {
        return blocks == 0 ? 0 : (double) (inUse + inTransit) / blocks;
    }

    /// Share of the pool's slots that hold a token of a running sequence, 0 to 1.
    public double tokenUsage() {
        return blocks == 0 ? 0 : (double) tokensStored / slots(blocks);
    }

    /// Slots of the blocks that are held that hold no token.
    public long wasteTokens() {
        return fragmentation.reservedTokens() + fragmentation.internalTokens();
    }

    /// The same in per cent of those blocks' slots; 0 when none is held.
    public double wastePercent() {
        return percent(wasteTokens(), wasteTokens() + tokensStored);
    }

    /// Slots of `reserved` that would hold no token.
    public long wasteTokens(Reserved reserved) {
        return slots(reserved.blocks()) - tokensLogical;
    }

    /// The same in per cent of the slots reserved; 0 when none is.
    public double wastePercent(Reserved reserved) {
        return percent(wasteTokens(reserved), slots(reserved.blocks()));
    }

    private static double percent(long part, long whole) {
        return whole == 0 ? 0 : 100.0 * part / whole;
    }

    private long slots(long blocks) {
        return blocks * blockSize;
    }
}
