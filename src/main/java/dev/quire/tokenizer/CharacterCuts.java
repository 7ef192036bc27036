package dev.quire.tokenizer;

import java.util.Arrays;

/// Where a text can be cut before it is merged without changing what comes out: between two characters that stand side
/// by side in no token.
///
/// A merge that joins two characters makes a token in which they are neighbours. So no merge ever spans a cut, and what
/// happens on one side never depends on the other. In vocabularies that were trained within words, every blank after
/// another character is such a place, and nearly all pieces are words.
final class CharacterCuts {
    private static final long EMPTY = 0; // no pair: both code points are shifted by one
    private static final int ASCII = 128;

    private final long[] ascii = new long[ASCII * ASCII / Long.SIZE]; // bit left * 128 + right
    private long[] pairs = new long[1 << 10];
    private int size;

    /// Those of a SentencePiece vocabulary.
    static CharacterCuts of(Vocabulary vocabulary) {
        var cuts = new CharacterCuts();
        for (int token = 0; token < vocabulary.size(); token++) {
            if (vocabulary.type(token) != TokenType.BYTE) {
                cuts.add(vocabulary.bytes(token));
            }
        }
        return cuts;
    }

    /// Takes note of a token's neighbouring characters; `name` is UTF-8.
    void add(byte[] name) {
        int left = -1;
        for (int i = 0; i < name.length; i += Utf8.length(name[i])) {
            int right = Utf8.codePoint(name, i);
            if (left >= 0) {
                add(left, right);
            }
            left = right;
        }
    }

    /// Whether some token has the two characters side by side.
    boolean joins(int left, int right) {
        if (left < ASCII && right < ASCII) {
            int bit = left * ASCII + right;
            return (ascii[bit >> 6] >>> bit & 1) != 0;
        }
        return pairs[place(pairs, pair(left, right))] != EMPTY;
    }

    private void add(int left, int right) {
        if (left < ASCII && right < ASCII) {
            int bit = left * ASCII + right;
            ascii[bit >> 6] |= 1L << bit;
            return;
        }
        long pair = pair(left, right);
        int place = place(pairs, pair);
        if (pairs[place] == EMPTY) {
            pairs[place] = pair;
            if (++size > pairs.length / 2) {
                grow();
            }
        }
    }

    private void grow() {
        var larger = new long[2 * pairs.length];
        Arrays.stream(pairs).filter(pair -> pair != EMPTY).forEach(pair -> larger[place(larger, pair)] = pair);
        pairs = larger;
    }

    /// Where the pair is or would be.
    private static int place(long[] table, long pair) {
        long hash = pair * 0x9E3779B97F4A7C15L;
        int place = (int) (hash ^ hash >>> 32) & (table.length - 1);
        while (table[place] != EMPTY && table[place] != pair) {
            place = (place + 1) & (table.length - 1);
        }
        return place;
    }

    private static long pair(int left, int right) {
        return (left + 1L) << 32 | (right + 1L);
    }
}
