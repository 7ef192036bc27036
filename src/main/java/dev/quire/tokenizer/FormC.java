package dev.quire.tokenizer;

import java.nio.charset.StandardCharsets;
import java.text.Normalizer;

/// Unicode normalization form C (Unicode Standard Annex 15) as Hugging Face's normalizer `NFC` does it, whose data is
/// Unicode 9. Java's is newer: the characters that it would reorder or compose and Unicode 9 does not know are left as
/// they are, and what stands between two of them is normalized by itself, as around any character that takes no part.
///
/// Java puts combining marks in order by insertion, which takes the square of their number: a run of marks longer than
/// any language has is put in order here first.
final class FormC {
    /// Below it every character is its own form C, and no mark combines.
    private static final char FIRST_MARK = 0x300;

    /// What U+0300 begins with in UTF-8.
    private static final int FIRST_MARK_BYTE = 0xCC;

    /// Characters.
    private static final int LONG_RUN = 64;

    /// What Java's Unicode 16 reorders or composes and Unicode 9 does not: first and last, in turn.
    private static final CodePointSet SINCE_UNICODE_9 = CodePointSet.ranges(
            0x7FD, 0x7FD, 0x897, 0x89F, 0x8CA, 0x8D3, 0x9FE, 0x9FE, 0xC3C, 0xC3C, 0xD3B, 0xD3C, 0xEBA, 0xEBA, 0x1715,
            0x1715, 0x1ABF, 0x1ACE, 0x1DF6, 0x1DFA, 0xA82C, 0xA82C, 0x105C9, 0x105C9, 0x105D2, 0x105D2, 0x105DA,
            0x105DA, 0x105E4, 0x105E4, 0x10D24, 0x10D27, 0x10D69, 0x10D6D, 0x10EAB, 0x10EAC, 0x10EFD, 0x10EFF, 0x10F46,
            0x10F50, 0x10F82, 0x10F85, 0x11070, 0x11070, 0x1133B, 0x1133B, 0x11382, 0x11385, 0x1138B, 0x1138B, 0x1138E,
            0x1138E, 0x11390, 0x11391, 0x113B8, 0x113B8, 0x113BB, 0x113BB, 0x113C2, 0x113C2, 0x113C5, 0x113C5, 0x113C7,
            0x113C9, 0x113CE, 0x113D0, 0x1145E, 0x1145E, 0x11839, 0x1183A, 0x11930, 0x11930, 0x11935, 0x11935, 0x11938,
            0x11938, 0x1193D, 0x1193E, 0x11943, 0x11943, 0x119E0, 0x119E0, 0x11A34, 0x11A34, 0x11A47, 0x11A47, 0x11A99,
            0x11A99, 0x11D42, 0x11D42, 0x11D44, 0x11D45, 0x11D97, 0x11D97, 0x11F41, 0x11F42, 0x1611E, 0x16129, 0x1612F,
            0x1612F, 0x16D63, 0x16D63, 0x16D67, 0x16D6A, 0x16FF0, 0x16FF1, 0x1E08F, 0x1E08F, 0x1E130, 0x1E136, 0x1E2AE,
            0x1E2AE, 0x1E2EC, 0x1E2EF, 0x1E4EC, 0x1E4EF, 0x1E5EE, 0x1E5EF);

    private FormC() {}

    /// Whether the UTF-8 text in `bytes[start, end)` is in form C. May say no to a text that is, never yes to one that
    /// is not: what changes by Unicode 9 changes by Unicode 16.
    static boolean isComposed(byte[] bytes, int start, int end) {
        int i = start;
        while (i < end && (bytes[i] & 0xFF) < FIRST_MARK_BYTE) {
            i++;
        }
        if (i == end) {
            return true;
        }
        var text = new String(bytes, start, end - start, StandardCharsets.UTF_8);
        return longRun(text, 0) < 0 && Normalizer.isNormalized(text, Normalizer.Form.NFC);
    }

    /// Form C of the UTF-8 text in `bytes[start, end)`.
    static byte[] compose(byte[] bytes, int start, int end) {
        var text = new String(bytes, start, end - start, StandardCharsets.UTF_8);
        var composed = new StringBuilder(text.length());
        int first = 0;
        for (int i = 0; i < text.length(); ) {
            int character = text.codePointAt(i);
            if (character >= FIRST_MARK && SINCE_UNICODE_9.contains(character)) {
                compose(text, first, i, composed);
                composed.appendCodePoint(character);
                first = i + Character.charCount(character);
            }
            i += Character.charCount(character);
        }
        compose(text, first, text.length(), composed);
        return composed.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static void compose(String text, int start, int end, StringBuilder composed) {
        if (start < end) {
            String part = orderLongRuns(text.substring(start, end));
            composed.append(Normalizer.normalize(part, Normalizer.Form.NFC));
        }
    }

    /// The same text with the marks of long runs decomposed and in canonical order.
    private static String orderLongRuns(String text) {
        int run = longRun(text, 0);
        if (run < 0) {
            return text;
        }
        var ordered = new StringBuilder(text.length());
        int done = 0;
        for (; run >= 0; run = longRun(text, done)) {
            ordered.append(text, done, run);
            done = runEnd(text, run);
            ordered.append(MarkOrder.sorted(text.substring(run, done)));
        }
        return ordered.append(text, done, text.length()).toString();
    }

    /// Where the first long run of marks at or after `start` begins, or -1.
    private static int longRun(String text, int start) {
        for (int i = start; i < text.length(); ) {
            int end = runEnd(text, i);
            if (end - i > LONG_RUN) {
                return i;
            }
            i = Math.max(end, i + 1);
        }
        return -1;
    }

    private static int runEnd(String text, int start) {
        int i = start;
        while (i < text.length() && canBeMark(text.codePointAt(i))) {
            i += Character.charCount(text.codePointAt(i));
        }
        return i;
    }

    private static boolean canBeMark(int character) {
        if (character < FIRST_MARK) {
            return false;
        }
        int type = Character.getType(character);
        return type == Character.NON_SPACING_MARK || type == Character.COMBINING_SPACING_MARK;
    }
}
