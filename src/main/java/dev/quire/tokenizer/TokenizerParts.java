package dev.quire.tokenizer;

import java.util.BitSet;

/// What a tokenizer is made of, whatever file described it.
///
/// - `added`: names that are found in a text as it is; `normalized`: those found after `normalization`
/// - `collapsesBlanks`: blanks at the ends of a text go, and of several in a row one stays
/// - `first`, `last`: tokens that the model puts around a text
/// - `ends`: tokens at which an answer ends
/// - `dropsFirstBlank`: the encoder puts a blank in front of a text, so a decoded text loses it
record TokenizerParts(
        Vocabulary vocabulary,
        AddedTokens added,
        AddedTokens normalized,
        Normalization normalization,
        boolean collapsesBlanks,
        TextEncoder encoder,
        int[] first,
        int[] last,
        BitSet ends,
        boolean dropsFirstBlank) {}
