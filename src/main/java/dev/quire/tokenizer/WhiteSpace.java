package dev.quire.tokenizer;

/// White space and words as Rust's regular expressions know them (`\s`, `\w`), which decide where added tokens end.
final class WhiteSpace {
    private WhiteSpace() {}

    /// Where the white space begins that ends before `text[end]`, within `text[start, end)`; `end` if there is none.
    static int before(byte[] text, int start, int end) {
        int begin = end;
        while (begin > start && isSpace(Utf8.codePointBefore(text, start, begin))) {
            do {
                begin--;
            } while ((text[begin] & 0xC0) == 0x80);
        }
        return begin;
    }

    /// Where the white space ends that begins at `text[start]`; `start` if there is none.
    static int after(byte[] text, int start, int end) {
        int i = start;
        while (i < end && isSpace(Utf8.codePoint(text, i))) {
            i += Utf8.length(text[i]);
        }
        return i;
    }

    /// The property White_Space.
    static boolean isSpace(int codePoint) {
        return switch (Character.getType(codePoint)) {
            case Character.SPACE_SEPARATOR, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR -> true;
            default -> (codePoint >= '\t' && codePoint <= '\r') || codePoint == 0x85;
        };
    }

    /// Alphabetic, mark, decimal number, connector punctuation or join control (Unicode TS 18, annex C).
    static boolean isWord(int codePoint) {
        if (Character.isAlphabetic(codePoint)) {
            return true;
        }
        return switch (Character.getType(codePoint)) {
            case Character.NON_SPACING_MARK,
                    Character.ENCLOSING_MARK,
                    Character.COMBINING_SPACING_MARK,
                    Character.DECIMAL_DIGIT_NUMBER,
                    Character.CONNECTOR_PUNCTUATION -> true;
            default -> codePoint == 0x200C || codePoint == 0x200D;
        };
    }
}
