/// Model files: what is in them.
///
/// Start with {@link dev.quire.format.ModelFile}, {@link dev.quire.format.GgufFile} and
/// {@link dev.quire.format.HuggingFaceFolder}. Files are mapped, never
/// trusted: every length and offset is checked before it is used, and a refusal names the file and the offset.
/// Nothing here knows what a model computes, nor where files come from.
package dev.quire.format;
