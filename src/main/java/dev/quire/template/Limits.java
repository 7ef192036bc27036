package dev.quire.template;

/// What one rendering may use. A template that needs more is refused; the standard is far above what real ones
/// need: a chat of 1,000 messages takes about 100,000 steps.
///
/// - `steps`: nodes evaluated and elements or runs of 64 characters worked on
/// - `textLength`: characters of one text, the result's too
/// - `items`: elements of one collection
/// - `memory`: characters of all texts made, elements counted as {@link Budget#ITEM_UNITS}
/// - `depth`: nested nodes of the template while they are evaluated, through macros; levels of printed values
/// - `nanos`: time by the wall clock
public record Limits(long steps, int textLength, int items, long memory, int depth, long nanos) {
    public static final Limits STANDARD = new Limits(10_000_000, 16 << 20, 1_000_000, 128L << 20, 500, 5_000_000_000L);
}
