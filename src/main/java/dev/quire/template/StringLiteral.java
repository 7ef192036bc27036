package dev.quire.template;

/// What a string in a template means: Python's escapes.
final class StringLiteral {
    private StringLiteral() {}

    /// `text` stands between the quotes.
    static String value(String text, int line) {
        if (text.indexOf('\\') < 0) {
            return text;
        }
        var value = new StringBuilder(text.length());
        int i = 0;
        while (i < text.length()) {
            char character = text.charAt(i);
            if (character != '\\' || i + 1 == text.length()) {
                value.append(character);
                i++;
            } else {
                i = escape(text, i, value, line);
            }
        }
        return value.toString();
    }

    /// The position after the escape at `at`.
    private static int escape(String text, int at, StringBuilder value, int line) {
        char letter = text.charAt(at + 1);
        switch (letter) {
            case '\n' -> {}
            case '\\', '\'', '"' -> value.append(letter);
            case 'a' -> value.append('\u0007');
            case 'b' -> value.append('\b');
            case 'f' -> value.append('\f');
            case 'n' -> value.append('\n');
            case 'r' -> value.append('\r');
            case 't' -> value.append('\t');
            case 'v' -> value.append('\u000b');
            case 'x' -> {
                return code(text, at, 2, value, line);
            }
            case 'u' -> {
                return code(text, at, 4, value, line);
            }
            case 'U' -> {
                return code(text, at, 8, value, line);
            }
            case 'N' -> {
                return named(text, at, value, line);
            }
            case '0', '1', '2', '3', '4', '5', '6', '7' -> {
                return octal(text, at, value);
            }
            default -> {
                value.append('\\');
                if (letter < 0x80) {
                    value.append(letter);
                    return at + 2;
                }
                // jinja2 turns what is not ASCII into escapes first, and the backslash before one undoes it.
                int character = text.codePointAt(at + 1);
                String form = character < 0x100 ? "x%02x" : character < 0x10000 ? "u%04x" : "U%08x";
                value.append(form.formatted(character));
                return at + 1 + Character.charCount(character);
            }
        }
        return at + 2;
    }

    private static int code(String text, int at, int digits, StringBuilder value, int line) {
        int end = at + 2 + digits;
        boolean whole = end <= text.length()
                && text.substring(at + 2, end).chars().allMatch(c -> c < 0x80 && Character.digit(c, 16) >= 0);
        if (!whole) {
            throw new TemplateException("truncated \\" + text.charAt(at + 1) + "XX escape").at(line);
        }
        long code = Long.parseLong(text.substring(at + 2, end), 16);
        if (code > Character.MAX_CODE_POINT) {
            throw new TemplateException("illegal Unicode character").at(line);
        }
        value.appendCodePoint((int) code);
        return end;
    }

    private static int octal(String text, int at, StringBuilder value) {
        int end = at + 1;
        int code = 0;
        while (end < Math.min(text.length(), at + 4) && text.charAt(end) >= '0' && text.charAt(end) <= '7') {
            code = code * 8 + text.charAt(end++) - '0';
        }
        value.append((char) code);
        return end;
    }

    private static int named(String text, int at, StringBuilder value, int line) {
        int close = text.indexOf('}', at);
        if (close < 0 || text.charAt(at + 2) != '{') {
            throw new TemplateException("malformed \\N character escape").at(line);
        }
        try {
            value.appendCodePoint(Character.codePointOf(text.substring(at + 3, close)));
        } catch (IllegalArgumentException e) {
            throw new TemplateException("unknown Unicode character name").at(line);
        }
        return close + 1;
    }
}
