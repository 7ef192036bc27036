package dev.quire.tokenizer;

/// Byte-level BPE: text is cut into pieces ({@link PreTokenizer}), whose bytes are merged ({@link BytePairEncoder}).
///
/// - `prefixesBlank`: a text between added tokens gets a blank in front if it has none (`add_prefix_space`)
record ByteLevelEncoder(PreTokenizer preTokenizer, BytePairEncoder pairs, boolean prefixesBlank)
        implements TextEncoder {
    @Override
    public void encode(byte[] text, int start, int end, boolean atStart, TokenBuffer tokens) {
        if (prefixesBlank && text[start] != ' ') {
            var prefixed = new byte[end - start + 1];
            prefixed[0] = ' ';
            System.arraycopy(text, start, prefixed, 1, end - start);
            encode(prefixed, 0, prefixed.length, tokens);
        } else {
            encode(text, start, end, tokens);
        }
    }

    private void encode(byte[] text, int start, int end, TokenBuffer tokens) {
        PieceCursor pieces = preTokenizer.cursor();
        pieces.reset(text, start, end);
        while (pieces.next()) {
            pairs.encode(text, pieces.start(), pieces.end(), tokens);
        }
    }
}
