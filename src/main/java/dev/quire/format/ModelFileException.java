package dev.quire.format;

/// A model or its file cannot be used. The message is one line for the user: what must hold, the values, the file and,
/// where there is one, the offset. Whatever a file or a path has put into it, it stays one line of bounded length.
public final class ModelFileException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /// Characters of a name or text in a message.
    private static final int LONGEST_NAME = 80;

    /// Characters before the file: enough for every message but those that repeat a long text of the file.
    private static final int LONGEST_START = 1_000;

    /// Characters of file and offset: a path has at most 4,096, each written as one or as six.
    private static final int LONGEST_END = 28_000;

    public ModelFileException(String message) {
        super(oneLine(message));
    }

    public ModelFileException(String message, Throwable cause) {
        super(oneLine(message), cause);
    }

    private static String oneLine(String message) {
        String line = escaped(message);
        int end = Math.max(line.lastIndexOf(", file="), line.length() - LONGEST_END);
        if (end <= LONGEST_START) {
            return line;
        }
        return line.substring(0, LONGEST_START) + "..." + line.substring(end);
    }

    /// A name or text from outside as part of a message: one line whatever it holds, and not too long.
    public static String printable(String name) {
        String escaped = escaped(name.length() > LONGEST_NAME ? name.substring(0, LONGEST_NAME) : name);
        return name.length() > LONGEST_NAME ? escaped + "..." : escaped;
    }

    /// `text` in one line: what would break it, hide in it or turn it round is written as `\\uXXXX`.
    private static String escaped(String text) {
        if (text.chars().noneMatch(ModelFileException::breaksLine)) {
            return text;
        }
        var shown = new StringBuilder();
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (breaksLine(c)) {
                shown.append(String.format("\\u%04x", (int) c));
            } else {
                shown.append(c);
            }
        }
        return shown.toString();
    }

    private static boolean breaksLine(int c) {
        return Character.isISOControl(c) || Character.getType(c) == Character.FORMAT || c == '\u2028' || c == '\u2029';
    }
}
