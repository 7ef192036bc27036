package dev.quire.scheduler;

/// How many blocks must be left when a sequence is admitted while others run.
public enum AdmissionPolicy {
    /// Those for the tokens that it has, and the watermark. More sequences run at once; when they grow and blocks
    /// run out, the last in the order gives way.
    OPTIMISTIC,
    /// Those for the most tokens that it and all that run can get. None ever gives way; fewer run at once. (A
    /// group of choices that would not fit the empty pool at its longest starts alone, and may give way to itself;
    /// so may a contiguous one that outgrows its estimate, if free blocks lie apart.)
    WORST_CASE
}
