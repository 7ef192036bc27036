package dev.quire.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// What is done to a text between added tokens before it is encoded, and before those added tokens are looked for whose
/// names are normalized, too. Steps of Hugging Face's normalizers, in this order.
///
/// - `composes`: `NFC`
/// - `prepends`: `Prepend` of ▁
/// - `replaces`: `Replace` of each blank by ▁; no added token takes a ▁ for white space
record Normalization(boolean composes, boolean prepends, boolean replaces) {
    static final Normalization NONE = new Normalization(false, false, false);

    private static final byte[] MARK = "▁".getBytes(StandardCharsets.UTF_8);

    /// Whether the text stays as it is. May say no where it does, never yes where it does not.
    boolean leaves(byte[] text, int start, int end) {
        return !replaces && (!composes || FormC.isComposed(text, start, end));
    }

    String apply(String name) {
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        return new String(apply(bytes, 0, bytes.length), StandardCharsets.UTF_8);
    }

    byte[] apply(byte[] text, int start, int end) {
        byte[] composed = composes ? FormC.compose(text, start, end) : Arrays.copyOfRange(text, start, end);
        return replaces ? mark(composed) : composed;
    }

    private byte[] mark(byte[] text) {
        int blanks = prepends && text.length > 0 ? 1 : 0;
        for (byte b : text) {
            blanks += b == ' ' ? 1 : 0;
        }
        var marked = new byte[text.length + blanks * MARK.length]; // at most
        int size = prepends && text.length > 0 ? mark(marked, 0) : 0;
        for (byte b : text) {
            if (b == ' ') {
                size = mark(marked, size);
            } else {
                marked[size++] = b;
            }
        }
        return Arrays.copyOf(marked, size);
    }

    private static int mark(byte[] text, int position) {
        System.arraycopy(MARK, 0, text, position, MARK.length);
        return position + MARK.length;
    }
}
