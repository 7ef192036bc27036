/// Model files: what is in them, and where they come from.
///
/// Start with {@link dev.quire.format.GgufFile} and {@link dev.quire.format.ModelStore}. Files are mapped, never
/// trusted: every length and offset is checked before it is used, and a refusal names the file and the offset. Nothing
/// here knows what a model computes.
package dev.quire.format;
