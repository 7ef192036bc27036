package dev.quire.template;

import dev.quire.template.Token.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/// Cuts a template into tokens as jinja2's lexer does with `trim_blocks` and `lstrip_blocks`: the line break after
/// a block goes, so do blanks before it at the start of a line; `-` takes all white space on its side, `+` keeps
/// it.
final class Lexer {
    private static final String[] OPERATORS = {
        "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<", "=",
        ".", ":", "|", ",", ";"
    };

    private final String source;
    private final List<Token> tokens = new ArrayList<>();
    private int position;
    private int line = 1;
    private boolean lineStarts = true; // the token before ended with a line break

    private Lexer(String source) {
        this.source = source;
    }

    static List<Token> tokens(String template) {
        String source = template.replace("\r\n", "\n").replace('\r', '\n');
        var lexer = new Lexer(source.endsWith("\n") ? source.substring(0, source.length() - 1) : source);
        lexer.run();
        return lexer.tokens;
    }

    private void run() {
        while (position < source.length()) {
            int start = nextTag();
            if (start < 0) {
                addData(source.substring(position));
                position = source.length();
            } else {
                tag(start);
            }
        }
        add(Kind.EOF, "", null);
    }

    /// Where the next `{{`, `{%` or `{#` is; −1 if there is none.
    private int nextTag() {
        int at = source.indexOf('{', position);
        while (at >= 0 && at + 1 < source.length()) {
            if ("{%#".indexOf(source.charAt(at + 1)) >= 0) {
                return at;
            }
            at = source.indexOf('{', at + 1);
        }
        return -1;
    }

    private void tag(int start) {
        char kind = source.charAt(start + 1);
        int afterSign = start + 2;
        char sign = afterSign < source.length() ? source.charAt(afterSign) : 0;
        if (sign == '-' || sign == '+') {
            afterSign++;
        } else {
            sign = 0;
        }
        data(source.substring(position, start), sign, kind != '{');
        int rawEnd = kind == '%' ? rawBegin(afterSign) : -1;
        if (rawEnd >= 0) {
            advance(rawEnd);
            raw();
        } else if (kind == '#') {
            advance(afterSign);
            comment();
        } else {
            advance(afterSign);
            add(kind == '{' ? Kind.VARIABLE_BEGIN : Kind.BLOCK_BEGIN, source.substring(start, afterSign), null);
            code(kind == '{');
        }
    }

    /// Text before a tag with `sign` (0: none); `strips` says that blanks before the tag may go.
    private void data(String text, char sign, boolean strips) {
        String kept = text;
        if (sign == '-') {
            kept = PythonText.strip(text, null, false, true);
        } else if (sign == 0 && strips) {
            int lineStart = text.lastIndexOf('\n') + 1;
            boolean blank = lineStart < text.length()
                    && PythonText.strip(text.substring(lineStart), null, true, false)
                            .isEmpty();
            if (blank && (lineStart > 0 || lineStarts)) {
                kept = text.substring(0, lineStart);
            }
        }
        addData(kept);
        line += lines(text) - lines(kept);
        position += text.length();
    }

    private void addData(String text) {
        if (!text.isEmpty()) {
            add(Kind.DATA, text, null);
            line += lines(text);
        }
    }

    private void add(Kind kind, String text, Object value) {
        tokens.add(new Token(kind, text, value, line));
    }

    /// Moves to `end` and notes line breaks.
    private void advance(int end) {
        for (int i = position; i < end; i++) {
            line += source.charAt(i) == '\n' ? 1 : 0;
        }
        lineStarts = end > position && source.charAt(end - 1) == '\n';
        position = end;
    }

    private static int lines(String text) {
        return (int) text.chars().filter(c -> c == '\n').count();
    }

    private int skipSpace(int from) {
        int i = from;
        while (i < source.length() && PythonText.isSpace(source.charAt(i))) {
            i++;
        }
        return i;
    }

    /// The end of `raw %}` at `from`, −1 if it is not there.
    private int rawBegin(int from) {
        int i = skipSpace(from);
        if (!source.startsWith("raw", i)) {
            return -1;
        }
        i = skipSpace(i + 3);
        if (source.startsWith("-%}", i)) {
            return skipSpace(i + 3);
        }
        return source.startsWith("%}", i) ? i + 2 : -1;
    }

    private void raw() {
        for (int at = source.indexOf("{%", position); at >= 0; at = source.indexOf("{%", at + 1)) {
            int i = at + 2;
            char sign = i < source.length() ? source.charAt(i) : 0;
            boolean signed = sign == '-' || sign == '+';
            i = skipSpace(signed ? i + 1 : i);
            if (source.startsWith("endraw", i)) {
                int end = blockEnd(skipSpace(i + 6));
                if (end >= 0) {
                    data(source.substring(position, at), signed ? sign : 0, true);
                    advance(end);
                    return;
                }
            }
        }
        if (position < source.length()) {
            throw new TemplateException("Missing end of raw directive").at(line);
        }
    }

    private void comment() {
        int at = source.indexOf("#}", position);
        if (at < 0 && position == source.length()) {
            return; // as in jinja2
        }
        if (at < 0) {
            throw new TemplateException("Missing end of comment tag").at(line);
        }
        char sign = at > position ? source.charAt(at - 1) : 0;
        int end = at + 2;
        if (sign == '-') {
            end = skipSpace(end);
        } else if (sign != '+' && end < source.length() && source.charAt(end) == '\n') {
            end++;
        }
        advance(end);
    }

    /// The end of `%}` with its sign and what it trims, −1 if it is not at `from`.
    private int blockEnd(int from) {
        if (source.startsWith("+%}", from)) {
            return from + 3;
        }
        if (source.startsWith("-%}", from)) {
            return skipSpace(from + 3);
        }
        if (source.startsWith("%}", from)) {
            return from + 2 < source.length() && source.charAt(from + 2) == '\n' ? from + 3 : from + 2;
        }
        return -1;
    }

    private int variableEnd(int from) {
        if (source.startsWith("-}}", from)) {
            return skipSpace(from + 3);
        }
        return source.startsWith("}}", from) ? from + 2 : -1;
    }

    private void code(boolean variable) {
        Deque<Character> open = new ArrayDeque<>();
        while (position < source.length()) {
            int end = !open.isEmpty() ? -1 : variable ? variableEnd(position) : blockEnd(position);
            if (end >= 0) {
                add(variable ? Kind.VARIABLE_END : Kind.BLOCK_END, source.substring(position, end), null);
                advance(end);
                return;
            }
            char character = source.charAt(position);
            if (PythonText.isSpace(character)) {
                advance(skipSpace(position));
            } else if (character >= '0' && character <= '9') {
                number();
            } else if (isNamePart(source.codePointAt(position))) {
                name();
            } else if ((character == '"' || character == '\'') && stringEnd() > 0) {
                int stop = stringEnd();
                String text = source.substring(position, stop);
                add(Kind.STRING, text, StringLiteral.value(text.substring(1, text.length() - 1), line));
                advance(stop);
            } else {
                operator(open);
            }
        }
    }

    private static boolean isNamePart(int character) {
        return Character.isUnicodeIdentifierPart(character) && !Character.isIdentifierIgnorable(character);
    }

    private void name() {
        int end = position;
        while (end < source.length() && isNamePart(source.codePointAt(end))) {
            end += Character.charCount(source.codePointAt(end));
        }
        String name = source.substring(position, end);
        if (!TextMethods.isIdentifier(name)) {
            throw new TemplateException("Invalid character in identifier").at(line);
        }
        add(Kind.NAME, name, null);
        advance(end);
    }

    /// The end of the string at the position; −1 if it has none.
    private int stringEnd() {
        char quote = source.charAt(position);
        for (int i = position + 1; i < source.length(); i++) {
            if (source.charAt(i) == '\\') {
                i++;
            } else if (source.charAt(i) == quote) {
                return i + 1;
            }
        }
        return -1;
    }

    private void number() {
        boolean afterDot = position > 0 && source.charAt(position - 1) == '.';
        int end = afterDot ? -1 : realEnd();
        if (end > 0) {
            String text = source.substring(position, end);
            add(Kind.FLOAT, text, Double.valueOf(text.replace("_", "")));
        } else {
            end = wholeEnd();
            String text = source.substring(position, end);
            Object value = Numbers.parseWhole(text, 0);
            if (value == null) {
                throw new TemplateException("number must not be longer: length=" + text.length()).at(line);
            }
            add(Kind.INTEGER, text, value);
        }
        advance(end);
    }

    /// Digits with single underscores between them; `from` if there are none.
    private int digits(int from, int radix, boolean leadingUnderscore) {
        int i = from;
        boolean underscore = leadingUnderscore;
        while (i < source.length()) {
            boolean skips = underscore && source.charAt(i) == '_';
            int at = skips ? i + 1 : i;
            if (at >= source.length() || source.charAt(at) > 'f' || Character.digit(source.charAt(at), radix) < 0) {
                break;
            }
            i = at + 1;
            underscore = true;
        }
        return i;
    }

    private int realEnd() {
        int whole = digits(position, 10, false);
        int end = -1;
        int i = whole;
        if (i + 1 < source.length() && source.charAt(i) == '.') {
            int fraction = digits(i + 1, 10, false);
            if (fraction > i + 1) {
                end = fraction;
                i = fraction;
            }
        }
        if (i < source.length() && (source.charAt(i) == 'e' || source.charAt(i) == 'E')) {
            int from = i + 1;
            if (from < source.length() && (source.charAt(from) == '+' || source.charAt(from) == '-')) {
                from++;
            }
            int exponent = digits(from, 10, false);
            if (exponent > from) {
                end = exponent;
            }
        }
        return end;
    }

    private int wholeEnd() {
        if (source.charAt(position) == '0') {
            char letter = position + 1 < source.length() ? Character.toLowerCase(source.charAt(position + 1)) : 0;
            int radix = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
            int end = radix == 0 ? 0 : digits(position + 2, radix, true);
            if (end > position + 2) {
                return end;
            }
            int i = position + 1;
            while (i < source.length() && (source.charAt(i) == '0' || source.startsWith("_0", i))) {
                i += source.charAt(i) == '0' ? 1 : 2;
            }
            return i;
        }
        return digits(position, 10, false);
    }

    private void operator(Deque<Character> open) {
        for (String operator : OPERATORS) {
            if (source.startsWith(operator, position)) {
                balance(operator.charAt(0), open);
                add(Kind.OPERATOR, operator, null);
                advance(position + operator.length());
                return;
            }
        }
        throw new TemplateException("unexpected char "
                        + Printer.quoted(Character.toString(source.codePointAt(position))) + " at " + position)
                .at(line);
    }

    private void balance(char operator, Deque<Character> open) {
        switch (operator) {
            case '(' -> open.push(')');
            case '[' -> open.push(']');
            case '{' -> open.push('}');
            case ')', ']', '}' -> {
                if (open.isEmpty()) {
                    throw new TemplateException("unexpected '" + operator + "'").at(line);
                }
                char expected = open.pop();
                if (expected != operator) {
                    throw new TemplateException("unexpected '" + operator + "', expected '" + expected + "'").at(line);
                }
            }
            default -> {}
        }
    }
}
