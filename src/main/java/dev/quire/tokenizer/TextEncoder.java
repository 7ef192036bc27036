package dev.quire.tokenizer;

/// Text between added tokens → token ids. Immutable but for caches, and thread-safe.
sealed interface TextEncoder permits ByteLevelEncoder, SentencePieceEncoder {
    /// Appends the tokens of `text[start, end)`, which is valid UTF-8. `atStart`: nothing stands before it, no added
    /// token either.
    void encode(byte[] text, int start, int end, boolean atStart, TokenBuffer tokens);
}
