package dev.quire.template;

import java.util.ArrayList;
import java.util.List;

/// jinja2's `wordwrap`: each line of a text broken into lines of at most `width` characters, as Python's
/// `textwrap` does with tabs and white space left as they are.
final class WordWrap {
    private WordWrap() {}

    static String apply(Object value, Arguments arguments, Budget budget) {
        Object[] bound = arguments.bind("wordwrap", 0, "width", "break_long_words", "wrapstring", "break_on_hyphens");
        String text = Values.requireText(value, "wordwrap");
        int width = bound[0] == null ? 79 : Values.requireInt(bound[0]);
        if (width <= 0) {
            throw new TemplateException("invalid width " + width + " (must be > 0)");
        }
        boolean breaksWords = bound[1] == null || Values.truth(bound[1]);
        String separator = bound[2] == null || bound[2] == None.NONE ? "\n" : Values.requireText(bound[2], "wordwrap");
        boolean breaksHyphens = bound[3] == null || Values.truth(bound[3]);
        budget.text(2L * text.length());
        var lines = new ArrayList<Object>();
        for (Object line : PythonText.lines(text, false)) {
            List<Object> wrapped =
                    wrap(chunks((String) line, breaksHyphens, budget), width, breaksWords, breaksHyphens, budget);
            lines.add(TextMethods.join(separator, wrapped, budget));
        }
        return TextMethods.join(separator, lines, budget);
    }

    /// Words and the runs of white space between them; words end after hyphens between letters.
    private static List<String> chunks(String line, boolean breaksHyphens, Budget budget) {
        var chunks = new ArrayList<String>();
        int start = 0;
        for (int i = 1; i <= line.length(); i++) {
            boolean ends = i == line.length()
                    || isSpace(line.charAt(i)) != isSpace(line.charAt(i - 1))
                    || breaksHyphens && (isHyphenBreak(line, i) || isDashBreak(line, i));
            if (ends) {
                budget.step();
                chunks.add(line.substring(start, i));
                start = i;
            }
        }
        return chunks;
    }

    /// A blank that cannot be broken at is part of a word.
    private static boolean isSpace(char character) {
        return character >= 0x09 && character <= 0x0d || character == ' ';
    }

    /// Before and after two hyphens or more between words; what is inside of them is looked at once.
    private static boolean isDashBreak(String line, int at) {
        boolean opens = line.charAt(at) == '-' && line.charAt(at - 1) != '-';
        boolean closes = line.charAt(at) != '-' && line.charAt(at - 1) == '-';
        if (!opens && !closes) {
            return false;
        }
        int start = at;
        while (closes && start > 0 && line.charAt(start - 1) == '-') {
            start--;
        }
        int end = at;
        while (opens && end < line.length() && line.charAt(end) == '-') {
            end++;
        }
        return end - start >= 2
                && start > 0
                && (isWordPart(line.charAt(start - 1)) || "!\"'&.,?".indexOf(line.charAt(start - 1)) >= 0)
                && end < line.length()
                && isWordPart(line.charAt(end));
    }

    private static boolean isWordPart(char character) {
        return Character.isLetterOrDigit(character) || character == '_';
    }

    /// Behind a hyphen that two letters, or a letter, a hyphen and a letter, stand before, and two letters behind.
    private static boolean isHyphenBreak(String line, int at) {
        return line.charAt(at - 1) == '-'
                && isLetter(line, at - 2)
                && (isLetter(line, at - 3) || isHyphen(line, at - 3) && isLetter(line, at - 4))
                && isLetter(line, at)
                && (isLetter(line, at + 1) || isHyphen(line, at + 1) && isLetter(line, at + 2));
    }

    private static boolean isLetter(String line, int at) {
        return at >= 0 && at < line.length() && (Character.isLetter(line.charAt(at)) || line.charAt(at) == '_');
    }

    private static boolean isHyphen(String line, int at) {
        return at >= 0 && at < line.length() && line.charAt(at) == '-';
    }

    private static List<Object> wrap(
            List<String> chunks, int width, boolean breaksWords, boolean breaksHyphens, Budget budget) {
        var lines = new ArrayList<Object>();
        var rest = new java.util.ArrayDeque<>(chunks);
        while (!rest.isEmpty()) {
            if (!lines.isEmpty() && isBlank(rest.peek())) {
                rest.pop();
            }
            var line = new ArrayList<String>();
            int length = 0;
            while (!rest.isEmpty() && length + PythonText.length(rest.peek()) <= width) {
                budget.step();
                length += PythonText.length(rest.peek());
                line.add(rest.pop());
            }
            if (!rest.isEmpty() && PythonText.length(rest.peek()) > width) {
                String chunk = rest.pop();
                int room = width - length; // none: what is before stays as it is, blanks too
                if (breaksWords) {
                    budget.text(chunk.length());
                    String head = headOf(PythonText.substring(chunk, 0, room), breaksHyphens);
                    line.add(head);
                    rest.push(chunk.substring(head.length()));
                } else if (line.isEmpty()) {
                    line.add(chunk);
                } else {
                    rest.push(chunk);
                }
            }
            if (!line.isEmpty() && isBlank(line.getLast())) {
                line.removeLast();
            }
            if (!line.isEmpty()) {
                lines.add(String.join("", line));
            }
        }
        return lines;
    }

    /// As much of a word as fits, or as stands before the last hyphen of that.
    private static String headOf(String fitting, boolean breaksHyphens) {
        int hyphen = breaksHyphens ? fitting.lastIndexOf('-') : -1;
        boolean hasWord = hyphen > 0 && fitting.chars().limit(hyphen).anyMatch(c -> c != '-');
        return hasWord ? fitting.substring(0, hyphen + 1) : fitting;
    }

    private static boolean isBlank(String chunk) {
        return PythonText.strip(chunk, null, true, false).isEmpty();
    }
}
