package dev.quire.tokenizer;

import java.util.Arrays;

/// How blanks are written before a SentencePiece vocabulary sees them: with ▁ (U+2581), and one more in front of the
/// text. Here ▁ is written as the blank that it stands for, one byte and not three; no vocabulary tells them apart.
///
/// - `prefix`: in front of which texts between added tokens a blank is put
/// - `unlessThere`: none where the text begins with one (Hugging Face's `Metaspace`; SentencePiece always puts one)
record Spacing(Prefix prefix, boolean unlessThere) {
    enum Prefix {
        NEVER,
        /// Where no added token stands before it.
        FIRST,
        ALWAYS
    }

    private static final byte MARK_0 = (byte) 0xE2;
    private static final byte MARK_1 = (byte) 0x96;
    private static final byte MARK_2 = (byte) 0x81;

    /// The text that is merged: `text[start, end)` with blanks for ▁, and the prefix.
    byte[] apply(byte[] text, int start, int end, boolean atStart) {
        if (start == end) {
            return new byte[0];
        }
        var spaced = new byte[end - start + 1];
        spaced[0] = ' ';
        int size = 1;
        for (int i = start; i < end; i++) {
            if (isMark(text, i, end)) {
                spaced[size++] = ' ';
                i += 2;
            } else {
                spaced[size++] = text[i];
            }
        }
        boolean prefixed = prefix == Prefix.ALWAYS || (prefix == Prefix.FIRST && atStart);
        boolean there = spaced[1] == ' ';
        return Arrays.copyOfRange(spaced, prefixed && !(unlessThere && there) ? 0 : 1, size);
    }

    /// Names of tokens are written in the same way.
    static byte[] name(byte[] name) {
        return new Spacing(Prefix.NEVER, false).apply(name, 0, name.length, false);
    }

    /// SentencePiece's `remove_extra_whitespaces`: no blanks at the ends, one where there are more; a ▁ counts
    /// at the end only.
    static byte[] collapse(byte[] text) {
        var collapsed = new byte[text.length];
        int size = 0;
        for (byte b : text) {
            if (b != ' ' || (size > 0 && collapsed[size - 1] != ' ')) {
                collapsed[size++] = b;
            }
        }
        while (size > 0 && (collapsed[size - 1] == ' ' || isMark(collapsed, size - 3, size))) {
            size -= collapsed[size - 1] == ' ' ? 1 : 3;
        }
        return Arrays.copyOf(collapsed, size);
    }

    private static boolean isMark(byte[] text, int i, int end) {
        return i >= 0 && i + 2 < end && text[i] == MARK_0 && text[i + 1] == MARK_1 && text[i + 2] == MARK_2;
    }
}
