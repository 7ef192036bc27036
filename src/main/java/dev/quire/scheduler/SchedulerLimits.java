package dev.quire.scheduler;

/// The bounds of a step and of admission.
///
/// - `tokens`: most tokens computed in a step, at least `sequences` so that every running sequence moves
/// - `sequences`: most sequences that run at once
/// - `rows`: most logit rows in a step, at least `sequences`
/// - `watermark`: blocks that optimistic admission leaves free while something runs, at least one for each that
///   runs, since each soon needs one; 0 = none
/// - `admission`: how many blocks a sequence must find
public record SchedulerLimits(int tokens, int sequences, int rows, int watermark, AdmissionPolicy admission) {
    public SchedulerLimits {
        if (sequences <= 0 || tokens < sequences || rows < sequences || watermark < 0) {
            throw new IllegalArgumentException(
                    "tokens and rows must be at least sequences, sequences positive, watermark not negative: tokens="
                            + tokens + ", sequences=" + sequences + ", rows=" + rows + ", watermark=" + watermark);
        }
    }

    /// With optimistic admission.
    public SchedulerLimits(int tokens, int sequences, int rows, int watermark) {
        this(tokens, sequences, rows, watermark, AdmissionPolicy.OPTIMISTIC);
    }
}
