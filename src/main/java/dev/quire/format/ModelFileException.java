package dev.quire.format;

/// A model or its file cannot be used. The message is one line for the user: what must hold, the values, the file and,
/// where there is one, the offset.
public final class ModelFileException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public ModelFileException(String message) {
        super(message);
    }

    public ModelFileException(String message, Throwable cause) {
        super(message, cause);
    }

    /// A name or text from outside as part of a message: one line whatever it holds, and not too long.
    public static String printable(String name) {
        var shown = new StringBuilder();
        for (int i = 0; i < name.length() && shown.length() < 80; i++) {
            char c = name.charAt(i);
            if (Character.isISOControl(c)
                    || Character.getType(c) == Character.FORMAT
                    || c == '\u2028'
                    || c == '\u2029') {
                shown.append(String.format("\\u%04x", (int) c));
            } else {
                shown.append(c);
            }
        }
        return name.length() > 80 ? shown + "..." : shown.toString();
    }
}
