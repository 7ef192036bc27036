package dev.quire.template;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;

/// What Python's `str` does where Java's `String` differs: white space, positions by code points, case, lines.
final class PythonText {
    private static final int PART = 64; // characters put in upper case at a time

    private PythonText() {}

    /// `str.isspace` of one character.
    static boolean isSpace(int character) {
        return character == ' '
                || character >= 0x09 && character <= 0x0d
                || character >= 0x1c && character <= 0x1f
                || character == 0x85
                || character >= 0xa0
                        && (character == 0xa0
                                || character == 0x1680
                                || character >= 0x2000 && character <= 0x200a
                                || character == 0x2028
                                || character == 0x2029
                                || character == 0x202f
                                || character == 0x205f
                                || character == 0x3000);
    }

    /// Any of `characters` is taken away; white space if that is Java's null.
    static String strip(String text, String characters, boolean left, boolean right) {
        BitSet stripped = characters == null ? null : new BitSet();
        if (characters != null) {
            characters.codePoints().forEach(stripped::set);
        }
        int start = 0;
        int end = text.length();
        while (left && start < end) {
            int character = text.codePointAt(start);
            if (!isStripped(character, stripped)) {
                break;
            }
            start += Character.charCount(character);
        }
        while (right && end > start) {
            int character = text.codePointBefore(end);
            if (!isStripped(character, stripped)) {
                break;
            }
            end -= Character.charCount(character);
        }
        return text.substring(start, end);
    }

    private static boolean isStripped(int character, BitSet characters) {
        return characters == null ? isSpace(character) : characters.get(character);
    }

    static boolean hasSurrogates(String text) {
        return text.codePointCount(0, text.length()) != text.length();
    }

    static int length(String text) {
        return text.codePointCount(0, text.length());
    }

    /// Code points `start` to `end` of a text that has as many.
    static String substring(String text, int start, int end) {
        if (!hasSurrogates(text)) {
            return text.substring(start, end);
        }
        int first = text.offsetByCodePoints(0, start);
        return text.substring(first, text.offsetByCodePoints(first, end - start));
    }

    /// What Java would do slowly comes first: it copies the whole text for each character that becomes several, of
    /// which there is one in lower case, and looks for words around each sigma.
    static String lower(String text) {
        String rest = text.indexOf('Σ') < 0 ? text : withLowerSigmas(text);
        return rest.replace("İ", "i\u0307").toLowerCase(Locale.ROOT);
    }

    private static String withLowerSigmas(String text) {
        var lower = new StringBuilder(text);
        for (int at = text.indexOf('Σ'); at >= 0; at = text.indexOf('Σ', at + 1)) {
            lower.setCharAt(at, isFinalSigma(text, at) ? 'ς' : 'σ');
        }
        return lower.toString();
    }

    /// Whether a letter with case stands before and none behind, beyond what has none of its own ("Final_Sigma",
    /// Unicode's chapter 3.13).
    private static boolean isFinalSigma(String text, int at) {
        int before = at;
        while (before > 0 && isCaseIgnorable(text.codePointBefore(before))) {
            before -= Character.charCount(text.codePointBefore(before));
        }
        if (before == 0 || !isCased(text.codePointBefore(before))) {
            return false;
        }
        int behind = at + 1;
        while (behind < text.length() && isCaseIgnorable(text.codePointAt(behind))) {
            behind += Character.charCount(text.codePointAt(behind));
        }
        return behind == text.length() || !isCased(text.codePointAt(behind));
    }

    private static boolean isCaseIgnorable(int character) {
        return switch (Character.getType(character)) {
            case Character.NON_SPACING_MARK,
                    Character.ENCLOSING_MARK,
                    Character.FORMAT,
                    Character.MODIFIER_LETTER,
                    Character.MODIFIER_SYMBOL -> true;
            default -> "'.:·‘’․‧︓﹒﹕＇．：\u0387\u055f\u05f4".indexOf(character) >= 0;
        };
    }

    /// In parts, since Java copies the whole text for each character that becomes several: no character's upper case
    /// depends on its neighbours.
    static String upper(String text) {
        if (text.length() <= PART) {
            return text.toUpperCase(Locale.ROOT);
        }
        var upper = new StringBuilder(text.length());
        for (int start = 0; start < text.length(); ) {
            int end = Math.min(text.length(), start + PART);
            if (end < text.length() && Character.isLowSurrogate(text.charAt(end))) {
                end++;
            }
            upper.append(text.substring(start, end).toUpperCase(Locale.ROOT));
            start = end;
        }
        return upper.toString();
    }

    static String capitalize(String text) {
        if (text.isEmpty()) {
            return text;
        }
        int first = text.offsetByCodePoints(0, 1);
        return titleCase(text.substring(0, first))
                + lower(text).substring(lower(text.substring(0, first)).length());
    }

    /// Words begin after what has no case.
    static String title(String text) {
        var title = new StringBuilder(text.length());
        String lower = text;
        boolean inWord = false;
        for (int i = 0; i < lower.length(); ) {
            int character = lower.codePointAt(i);
            int next = i + Character.charCount(character);
            String one = lower.substring(i, next);
            title.append(inWord ? lowerWithin(text, i, next) : titleCase(one));
            inWord = isCased(character);
            i = next;
        }
        return title.toString();
    }

    /// A final sigma depends on what is around it.
    private static String lowerWithin(String text, int start, int end) {
        if (text.charAt(start) == 'Σ') {
            return isFinalSigma(text, start) ? "ς" : "σ";
        }
        return lower(text.substring(start, end));
    }

    /// Title case of one character; Java maps those that become two only in upper case: ß is Ss here.
    private static String titleCase(String character) {
        String upper = upper(character);
        if (upper.codePointCount(0, upper.length()) == 1) {
            return Character.toString(Character.toTitleCase(character.codePointAt(0)));
        }
        int first = upper.offsetByCodePoints(0, 1);
        return upper.substring(0, first) + lower(upper.substring(first));
    }

    static boolean isCased(int character) {
        return Character.isUpperCase(character) || Character.isLowerCase(character) || Character.isTitleCase(character);
    }

    static String swapCase(String text) {
        var swapped = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); ) {
            int character = text.codePointAt(i);
            int next = i + Character.charCount(character);
            String one = text.substring(i, next);
            boolean upper = Character.isUpperCase(character);
            swapped.append(upper ? lowerWithin(text, i, next) : Character.isLowerCase(character) ? upper(one) : one);
            i = next;
        }
        return swapped.toString();
    }

    /// `str.splitlines`.
    static List<Object> lines(String text, boolean keepsEnds) {
        var lines = new ArrayList<Object>();
        int start = 0;
        for (int i = 0; i < text.length(); i++) {
            char character = text.charAt(i);
            if (isLineBreak(character)) {
                int end = character == '\r' && i + 1 < text.length() && text.charAt(i + 1) == '\n' ? i + 2 : i + 1;
                lines.add(text.substring(start, keepsEnds ? end : i));
                start = end;
                i = end - 1;
            }
        }
        if (start < text.length()) {
            lines.add(text.substring(start));
        }
        return lines;
    }

    private static boolean isLineBreak(char character) {
        return character >= 0x0a && character <= 0x0d
                || character >= 0x1c && character <= 0x1e
                || character == 0x85
                || character == 0x2028
                || character == 0x2029;
    }

    /// `str.split` at white space, at most `most` times if that is not negative.
    static List<Object> words(String text, int most) {
        var words = new ArrayList<Object>();
        int end = text.length();
        int i = skip(text, 0, true);
        while (i < end) {
            if (most >= 0 && words.size() == most) {
                words.add(text.substring(i));
                return words;
            }
            int stop = skip(text, i, false);
            words.add(text.substring(i, stop));
            i = skip(text, stop, true);
        }
        return words;
    }

    private static int skip(String text, int from, boolean space) {
        int i = from;
        while (i < text.length() && isSpace(text.charAt(i)) == space) {
            i++;
        }
        return i;
    }

    private static int skipBack(String text, int from, boolean space) {
        int i = from;
        while (i > 0 && isSpace(text.charAt(i - 1)) == space) {
            i--;
        }
        return i;
    }

    /// `str.rsplit` at white space.
    static List<Object> wordsFromEnd(String text, int most) {
        var words = new ArrayList<Object>();
        int end = skipBack(text, text.length(), true);
        while (end > 0) {
            if (most >= 0 && words.size() == most) {
                words.add(text.substring(0, end));
                break;
            }
            int start = skipBack(text, end, false);
            words.add(text.substring(start, end));
            end = skipBack(text, start, true);
        }
        return new ArrayList<>(words.reversed());
    }

    /// `str.split(separator, most)`.
    static List<Object> split(String text, String separator, int most, Budget budget) {
        var search = new TextSearch(text, separator, budget);
        var parts = new ArrayList<Object>();
        int start = 0;
        int at = search.first(0);
        while (at >= 0 && (most < 0 || parts.size() < most)) {
            parts.add(text.substring(start, at));
            start = at + separator.length();
            at = search.first(start);
        }
        parts.add(text.substring(start));
        return parts;
    }

    /// `str.rsplit(separator, most)`.
    static List<Object> splitFromEnd(String text, String separator, int most, Budget budget) {
        var search = new TextSearch(text, separator, budget);
        var parts = new ArrayList<Object>();
        int end = text.length();
        int at = search.last(end);
        while (at >= 0 && (most < 0 || parts.size() < most)) {
            parts.add(text.substring(at + separator.length(), end));
            end = at;
            at = search.last(end - separator.length());
        }
        parts.add(text.substring(0, end));
        return new ArrayList<>(parts.reversed());
    }

    /// How often `part` is in `text`, without overlaps; an empty one before, between and after all code points.
    static int count(String text, String part, Budget budget) {
        if (part.isEmpty()) {
            return length(text) + 1;
        }
        int count = 0;
        var search = new TextSearch(text, part, budget);
        for (int at = search.first(0); at >= 0; at = search.first(at + part.length())) {
            count++;
        }
        return count;
    }

    /// `str.replace(old, replacement, most)`, all if `most` is negative.
    static String replace(String text, String old, String replacement, int most, Budget budget) {
        budget.scan(text.length());
        long count = most == 0 ? 0 : count(text, old, budget);
        long times = most < 0 ? count : Math.min(count, most);
        if (times == 0) {
            return text;
        }
        budget.text(text.length() + times * ((long) replacement.length() - old.length()));
        var search = new TextSearch(text, old, budget);
        var replaced = new StringBuilder();
        int start = 0;
        for (long i = 0; i < times; i++) {
            if (old.isEmpty()) {
                replaced.append(replacement);
                int next = start < text.length() ? text.offsetByCodePoints(start, 1) : start;
                replaced.append(text, start, next);
                start = next;
            } else {
                int at = search.first(start);
                replaced.append(text, start, at).append(replacement);
                start = at + old.length();
            }
        }
        return replaced.append(text, start, text.length()).toString();
    }
}
