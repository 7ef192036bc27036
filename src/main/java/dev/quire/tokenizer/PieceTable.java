package dev.quire.tokenizer;

import java.util.Arrays;
import java.util.concurrent.ThreadLocalRandom;

/// Bytes → token, for the tokens of a vocabulary that are put into it. Not thread-safe while it is filled.
///
/// Open addressing, at most half full. The multiplier of the hash is drawn anew for each table, so that no file can be
/// written to make one slow.
final class PieceTable {
    private static final int NO_TOKEN = PairMerges.NO_TOKEN;

    private final Vocabulary vocabulary;
    private final int[] places;
    private final int shift;
    private final long multiplier = ThreadLocalRandom.current().nextLong() | 1;
    private int longest; // bytes

    PieceTable(Vocabulary vocabulary) {
        this.vocabulary = vocabulary;
        int bits = 33 - Integer.numberOfLeadingZeros(Math.max(vocabulary.size(), 2));
        places = new int[1 << bits];
        shift = Long.SIZE - bits;
        Arrays.fill(places, NO_TOKEN);
    }

    /// Puts a token in under its bytes; false if another one has them.
    boolean add(int token) {
        int place = place(vocabulary.hash(token, multiplier));
        while (places[place] != NO_TOKEN) {
            if (vocabulary.sameBytes(places[place], token)) {
                return false;
            }
            place = (place + 1) & (places.length - 1);
        }
        places[place] = token;
        longest = Math.max(longest, vocabulary.length(token));
        return true;
    }

    /// The token whose bytes are `text[start, end)`, or -1.
    int find(byte[] text, int start, int end) {
        if (end - start > longest) {
            return NO_TOKEN;
        }
        int place = place(hash(text, start, end, multiplier));
        while (places[place] != NO_TOKEN && !vocabulary.hasBytes(places[place], text, start, end)) {
            place = (place + 1) & (places.length - 1);
        }
        return places[place];
    }

    static long hash(byte[] bytes, int start, int end, long multiplier) {
        long hash = end - start;
        for (int i = start; i < end; i++) {
            hash = (hash + bytes[i]) * multiplier;
            hash ^= hash >>> 29;
        }
        return hash;
    }

    private int place(long hash) {
        return (int) (hash * 0x9E3779B97F4A7C15L >>> shift);
    }
}
