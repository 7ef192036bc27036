package dev.quire.tokenizer;

import java.nio.charset.StandardCharsets;

/// Characters in valid UTF-8, and texts as UTF-8.
final class Utf8 {
    private Utf8() {}

    /// Bytes of the character that begins with `first`.
    static int length(byte first) {
        if (first >= 0) {
            return 1;
        }
        int value = first & 0xFF;
        return value < 0xE0 ? 2 : value < 0xF0 ? 3 : 4;
    }

    /// The character that begins at `text[i]`.
    static int codePoint(byte[] text, int i) {
        return switch (length(text[i])) {
            case 1 -> text[i];
            case 2 -> (text[i] & 0x1F) << 6 | (text[i + 1] & 0x3F);
            case 3 -> (text[i] & 0x0F) << 12 | (text[i + 1] & 0x3F) << 6 | (text[i + 2] & 0x3F);
            default ->
                (text[i] & 0x07) << 18 | (text[i + 1] & 0x3F) << 12 | (text[i + 2] & 0x3F) << 6 | (text[i + 3] & 0x3F);
        };
    }

    /// The character that ends before `text[end]`, within `text[start, end)`, which is not empty.
    static int codePointBefore(byte[] text, int start, int end) {
        int i = end - 1;
        while (i > start && (text[i] & 0xC0) == 0x80) {
            i--;
        }
        return codePoint(text, i);
    }

    /// Half of a surrogate pair becomes U+FFFD; `String.getBytes` would write `?`.
    static byte[] bytes(String text) {
        int lone = loneSurrogate(text, 0);
        if (lone < 0) {
            return text.getBytes(StandardCharsets.UTF_8);
        }
        var repaired = new StringBuilder(text);
        for (; lone >= 0; lone = loneSurrogate(text, lone + 1)) {
            repaired.setCharAt(lone, '\uFFFD');
        }
        return repaired.toString().getBytes(StandardCharsets.UTF_8);
    }

    /// Index of the first half of a surrogate pair that has no other half, or -1.
    static int loneSurrogate(String text, int start) {
        for (int i = start; i < text.length(); i++) {
            char character = text.charAt(i);
            if (Character.isSurrogate(character)) {
                if (Character.isHighSurrogate(character)
                        && i + 1 < text.length()
                        && Character.isLowSurrogate(text.charAt(i + 1))) {
                    i++;
                } else {
                    return i;
                }
            }
        }
        return -1;
    }
}
