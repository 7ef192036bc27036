package dev.quire.tokenizer;

import java.util.Optional;

/// One step of pre-tokenization, in the words of Hugging Face tokenizers: each piece that the step before made is cut
/// where a pattern matches.
sealed interface SplitStep {
    /// Hugging Face's `Split`.
    record Split(PatternNode pattern, Behaviour behaviour) implements SplitStep {
        static Split isolated(String pattern) {
            return new Split(PatternParser.parse(pattern), Behaviour.ISOLATED);
        }
    }

    /// `Split` of which both matches and what stands between them are pieces; the pattern is read when it is compiled.
    record Isolated(String pattern) implements SplitStep {}

    /// Hugging Face's `Digits`: numbers, each by itself or in runs.
    record Digits(boolean individual) implements SplitStep {}

    /// Hugging Face's `Punctuation`, one character at a time.
    record Punctuation(Behaviour behaviour) implements SplitStep {}

    /// Hugging Face's `ByteLevel`. From here on a character is a byte in GPT-2's alphabet: a later step that isolates
    /// numbers cuts `ò`, C3 B2, in two, because that alphabet writes B2 as `²`.
    record ByteLevel(boolean usesPattern) implements SplitStep {
        /// openai/gpt-2, `src/encoder.py`.
        static final String PATTERN =
                "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
    }

    /// What becomes of a match and of what stands between two.
    enum Behaviour {
        /// Each is a piece.
        ISOLATED,
        /// What stands between is a piece, a match is dropped.
        REMOVED,
        /// A match is a piece, what stands between is dropped (`Removed` with `invert`).
        KEPT,
        /// As isolated, but matches that touch are one piece.
        CONTIGUOUS,
        /// A match ends the piece in front of it.
        MERGED_WITH_PREVIOUS,
        /// A match begins the piece behind it.
        MERGED_WITH_NEXT
    }

    /// The behaviour that tokenizer.json names; `inverted` swaps matches and what stands between them. Empty for a name
    /// that is not known.
    static Optional<Behaviour> behaviour(String name, boolean inverted) {
        return switch (name) {
            case "Isolated" -> Optional.of(Behaviour.ISOLATED);
            case "Removed" -> Optional.of(inverted ? Behaviour.KEPT : Behaviour.REMOVED);
            case "Contiguous" -> Optional.of(Behaviour.CONTIGUOUS); // what stands between matches never touches
            // A match that is merged with what follows is what precedes merged with the match, the other way round.
            case "MergedWithPrevious" ->
                Optional.of(inverted ? Behaviour.MERGED_WITH_NEXT : Behaviour.MERGED_WITH_PREVIOUS);
            case "MergedWithNext" ->
                Optional.of(inverted ? Behaviour.MERGED_WITH_PREVIOUS : Behaviour.MERGED_WITH_NEXT);
            default -> Optional.empty();
        };
    }

    static SplitStep digits(boolean individual) {
        return new Digits(individual);
    }

    static SplitStep punctuation(Behaviour behaviour) {
        return new Punctuation(behaviour);
    }
}
