package dev.quire.tokenizer;

/// Which two neighbours merge, how early, and into what: by the score of what they make (SentencePiece's own files)
/// or by the rank of the pair (the same vocabularies in Hugging Face's form).
sealed interface PairMerges permits ScoredPieces, RankedPieces {
    /// No token; the id of a character that the vocabulary does not have.
    int NO_TOKEN = -1;

    /// No merge: its upper half is later than every priority.
    long NO_MERGE = Long.MAX_VALUE;

    /// The token of the one character `text[start, end)`, or {@link #NO_TOKEN}.
    int character(byte[] text, int start, int end);

    /// What `left` and `right`, which together cover `text[start, end)`, become: `priority << 32 | token`, the
    /// smallest priority first, or {@link #NO_MERGE}.
    long merge(byte[] text, int start, int end, int left, int right);
}
