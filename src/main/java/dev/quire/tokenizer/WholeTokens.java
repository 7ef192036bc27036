package dev.quire.tokenizer;

import java.util.Arrays;

/// Finds the token whose bytes a piece is. Where a vocabulary has tokens that its merges do not reach, a piece that is
/// one of them is taken without merging (`ignore_merges` of Hugging Face's BPE). Immutable.
///
/// Open addressing over ids, at most half full; asked once for each piece that is not cached.
final class WholeTokens {
    private static final int NONE = -1;

    private final Vocabulary vocabulary;
    private final int[] tokens; // NONE or an id
    private final int shift;

    WholeTokens(Vocabulary vocabulary, ByteAlphabet alphabet) {
        this.vocabulary = vocabulary;
        int bits = 33 - Integer.numberOfLeadingZeros(Math.max(vocabulary.size(), 2));
        tokens = new int[1 << bits];
        shift = Integer.SIZE - bits;
        Arrays.fill(tokens, NONE);
        for (int token = 0; token < vocabulary.size(); token++) {
            if (!vocabulary.type(token).isAdded() && alphabet.writes(vocabulary.name(token))) {
                add(token);
            }
        }
    }

    /// The token of the bytes `text[start, end)`, or -1.
    int find(byte[] text, int start, int end) {
        int place = place(text, start, end);
        while (tokens[place] != NONE && !vocabulary.hasBytes(tokens[place], text, start, end)) {
            place = (place + 1) & (tokens.length - 1);
        }
        return tokens[place];
    }

    private void add(int token) {
        byte[] bytes = vocabulary.bytes(token);
        int place = place(bytes, 0, bytes.length);
        while (tokens[place] != NONE) {
            place = (place + 1) & (tokens.length - 1);
        }
        tokens[place] = token;
    }

    private int place(byte[] text, int start, int end) {
        int hash = 0;
        for (int i = start; i < end; i++) {
            hash = hash * 31 + text[i];
        }
        return (hash * 0x9E3779B9) >>> shift;
    }
}
