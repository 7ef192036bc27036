package dev.quire.tokenizer;

/// GPT-2's pre-tokenization as a scanner over UTF-8, one pass, no backtracking. It cuts where this expression does
/// (openai/gpt-2, `src/encoder.py`):
///
/// `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
///
/// and, where numbers are isolated first, each numeric character is a text of its own, so that `(?!\S)` holds in front
/// of it. Java's `\s`, `\p{L}` and `\p{N}` are not used: the classes are those of Oniguruma and Rust in Hugging Face
/// tokenizers 0.23.3, which `tokenizer_vectors.py --classes` writes out. `\p{L}` and `\p{N}` are Unicode 16, as Java
/// 25's; Rust's `char::is_numeric` is Unicode 17, which adds 13 numbers.
final class Gpt2Splitter {
    private static final int LETTER = 0;
    private static final int NUMBER = 1;
    private static final int SPACE = 2;
    private static final int OTHER = 3;

    private final boolean isolatesNumbers;

    Gpt2Splitter(boolean isolatesNumbers) {
        this.isolatesNumbers = isolatesNumbers;
    }

    /// The end of the piece that begins at `start`, in `text[start, end)`, which is valid UTF-8 and not empty.
    int pieceEnd(byte[] text, int start, int end) {
        byte first = text[start];
        if (first == '\'') {
            int length = contraction(text, start, end);
            if (length > 0) {
                return start + length;
            }
        }
        if (first == ' ' && start + 1 < end) {
            int kind = kind(text, start + 1);
            if (kind != SPACE && !standsAlone(kind)) {
                return runEnd(kind, text, start + 1, end);
            }
        }
        int kind = kind(text, start);
        if (standsAlone(kind)) {
            return start + length(first);
        }
        return kind == SPACE ? spaceEnd(text, start, end) : runEnd(kind, text, start, end);
    }

    private boolean standsAlone(int kind) {
        return isolatesNumbers && kind == NUMBER;
    }

    private int runEnd(int kind, byte[] text, int start, int end) {
        int i = start + length(text[start]);
        while (i < end && kind(text, i) == kind) {
            i += length(text[i]);
        }
        return i;
    }

    /// `\s+(?!\S)|\s+`: all of a run at the end of the text; else the last one is left to what follows it, unless it
    /// is the only one.
    private int spaceEnd(byte[] text, int start, int end) {
        int last = start;
        int i = start + length(text[start]);
        while (i < end && kind(text, i) == SPACE) {
            last = i;
            i += length(text[i]);
        }
        boolean textEnds = i == end || standsAlone(kind(text, i));
        return textEnds || last == start ? i : last;
    }

    /// Length of the contraction at `start`, an apostrophe; 0 if there is none. Lower case only, as in the expression.
    private static int contraction(byte[] text, int start, int end) {
        if (start + 1 >= end) {
            return 0;
        }
        byte second = text[start + 1];
        if (second == 's' || second == 't' || second == 'm' || second == 'd') {
            return 2;
        }
        if (start + 2 >= end) {
            return 0;
        }
        byte third = text[start + 2];
        boolean found =
                (second == 'r' && third == 'e') || (second == 'v' && third == 'e') || (second == 'l' && third == 'l');
        return found ? 3 : 0;
    }

    private int kind(byte[] text, int i) {
        byte first = text[i];
        if (first >= 0) {
            return asciiKind(first);
        }
        int codePoint = codePoint(text, i);
        return switch (Character.getType(codePoint)) {
            case Character.UPPERCASE_LETTER,
                    Character.LOWERCASE_LETTER,
                    Character.TITLECASE_LETTER,
                    Character.MODIFIER_LETTER,
                    Character.OTHER_LETTER -> LETTER;
            case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER -> NUMBER;
            // The no-break spaces too, which Java's Character.isWhitespace leaves out.
            case Character.SPACE_SEPARATOR, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR -> SPACE;
            case Character.CONTROL -> codePoint == 0x85 ? SPACE : OTHER; // next line
            default -> isolatesNumbers && isNumberSinceUnicode17(codePoint) ? NUMBER : OTHER;
        };
    }

    private static int asciiKind(byte character) {
        int lower = character | 0x20;
        if (lower >= 'a' && lower <= 'z') {
            return LETTER;
        }
        if (character == ' ' || (character >= '\t' && character <= '\r')) {
            return SPACE;
        }
        return character >= '0' && character <= '9' ? NUMBER : OTHER;
    }

    /// Tolong Siki digits and three numbers of the Chinese ideographic symbols, unassigned in Java 25.
    private static boolean isNumberSinceUnicode17(int codePoint) {
        return (codePoint >= 0x11DE0 && codePoint <= 0x11DE9) || (codePoint >= 0x16FF4 && codePoint <= 0x16FF6);
    }

    /// Bytes of the character that begins with `first`.
    private static int length(byte first) {
        if (first >= 0) {
            return 1;
        }
        int value = first & 0xFF;
        return value < 0xE0 ? 2 : value < 0xF0 ? 3 : 4;
    }

    private static int codePoint(byte[] text, int i) {
        return switch (length(text[i])) {
            case 2 -> (text[i] & 0x1F) << 6 | (text[i + 1] & 0x3F);
            case 3 -> (text[i] & 0x0F) << 12 | (text[i + 1] & 0x3F) << 6 | (text[i + 2] & 0x3F);
            default ->
                (text[i] & 0x07) << 18 | (text[i + 1] & 0x3F) << 12 | (text[i + 2] & 0x3F) << 6 | (text[i + 3] & 0x3F);
        };
    }
}
