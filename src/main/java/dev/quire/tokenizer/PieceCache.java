package dev.quire.tokenizer;

import java.util.Arrays;

/// Tokens of pieces seen lately. Direct-mapped: a piece has one place, and a newer one takes it over.
///
/// Bound: {@link #PLACES} pieces of at most {@link #LONGEST} bytes, under 4 MB. Threads share it without locks: an
/// entry is an immutable record, whose final fields the Java memory model publishes safely even through a data race,
/// and a lost update only costs encoding that piece again.
final class PieceCache {
    /// Bytes. Longer than nearly every word, so that what is not cached is what seldom comes again.
    static final int LONGEST = 32;

    private static final int PLACES = 1 << 14;

    private record Entry(byte[] piece, int[] tokens) {}

    private final Entry[] entries = new Entry[PLACES];

    /// The tokens of `text[start, end)`, or null where they are not here. The caller must not change them.
    int[] get(byte[] text, int start, int end) {
        Entry entry = entries[place(text, start, end)];
        return entry != null && Arrays.equals(entry.piece, 0, entry.piece.length, text, start, end)
                ? entry.tokens
                : null;
    }

    void put(byte[] text, int start, int end, int[] tokens) {
        entries[place(text, start, end)] = new Entry(Arrays.copyOfRange(text, start, end), tokens);
    }

    private static int place(byte[] text, int start, int end) {
        int hash = end - start;
        for (int i = start; i < end; i++) {
            hash = hash * 31 + text[i];
        }
        return (hash * 0x9E3779B9) >>> (Integer.SIZE - 14);
    }
}
