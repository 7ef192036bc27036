package dev.quire.engine;

/// The engine's state after its last step, as other threads see it. Blocks: `free + cached + inUse + inTransit =
/// blocks`.
///
/// - `tokensStored`: tokens held by the blocks in use; `waste` = their slots that hold none
/// - `waiting`: accepted requests that do not run yet, inbox included; `capacity`: their bound
/// - `lastStepNanos`: `System.nanoTime()` at the end of the last step
/// - counters since start: `steps`, `preemptions`, `promptTokens` computed, `generatedTokens`, `finished`,
///   `cancelled`, `failed`
/// - `stepNanos`: what the engine thread's time went into
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
        long blockBytes,
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
        StepNanos stepNanos) {
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

    /// Slots of blocks in use that hold no token.
    public long wasteTokens() {
        return (long) inUse * blockSize - tokensStored;
    }

    /// The same in per cent of the slots in use; 0 when none is.
    public double wastePercent() {
        return inUse == 0 ? 0 : 100.0 * wasteTokens() / ((long) inUse * blockSize);
    }
}
