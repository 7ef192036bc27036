package dev.quire.tokenizer;

/// Merges of pairs of tokens by rank, over characters: what Hugging Face tokenizers make of a SentencePiece vocabulary.
record RankedPieces(MergeTable merges, PieceTable characters) implements PairMerges {
    /// The characters are those tokens of the vocabulary that are one character.
    static RankedPieces of(MergeTable merges, Vocabulary vocabulary) {
        var characters = new PieceTable(vocabulary);
        for (int token = 0; token < vocabulary.size(); token++) {
            byte[] bytes = vocabulary.bytes(token);
            boolean written = vocabulary.type(token) != TokenType.BYTE
                    && vocabulary.name(token).indexOf(' ') < 0;
            if (written && bytes.length > 0 && Utf8.length(bytes[0]) == bytes.length) {
                characters.add(token);
            }
        }
        return new RankedPieces(merges, characters);
    }

    @Override
    public int character(byte[] text, int start, int end) {
        return characters.find(text, start, end);
    }

    @Override
    public long merge(byte[] text, int start, int end, int left, int right) {
        if (left == NO_TOKEN || right == NO_TOKEN) {
            return NO_MERGE;
        }
        int rank = merges.rank(left, right);
        return rank == MergeTable.NO_RANK ? NO_MERGE : (long) rank << 32 | merges.merged(rank);
    }
}
