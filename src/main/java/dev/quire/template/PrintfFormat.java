package dev.quire.template;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.List;

/// Python's `text % values`.
final class PrintfFormat {
    private final Rendering rendering;
    private List<Object> values = List.of();
    private int next; // index of the first value not used yet
    private Dict named; // Java's null where values have no names

    PrintfFormat(Rendering rendering) {
        this.rendering = rendering;
    }

    /// One conversion: flags, width and precision (−1: none) between `%` and its letter.
    private static final class Conversion {
        private boolean left;
        private boolean zero;
        private boolean plus;
        private boolean blank;
        private boolean alternate;
        private int width = -1;
        private int precision = -1;
    }

    String format(String format, Object arguments) {
        if (arguments instanceof Tuple tuple) {
            values = tuple.items();
        } else {
            values = List.of(arguments);
            named = arguments instanceof Dict dict ? dict : null;
        }
        var result = new StringBuilder();
        int at = 0;
        boolean usedNames = false;
        while (at < format.length()) {
            int percent = format.indexOf('%', at);
            int end = percent < 0 ? format.length() : percent;
            append(result, format.substring(at, end));
            if (percent < 0) {
                break;
            }
            int[] position = {percent + 1};
            Object name = name(format, position);
            usedNames |= name != null;
            at = convert(format, position, name, result);
        }
        // What has elements by key may have more of them than the format uses.
        boolean isSequence = arguments instanceof List
                || arguments instanceof Range
                || arguments instanceof Undefined
                || named != null;
        if (next < values.size() && !usedNames && !isSequence) {
            throw new TemplateException("not all arguments converted during string formatting");
        }
        return result.toString();
    }

    private void append(StringBuilder result, String text) {
        rendering.budget.grow(result.length(), text.length());
        result.append(text);
    }

    /// The key in parentheses, Java's null if there is none.
    private Object name(String format, int[] position) {
        if (position[0] >= format.length() || format.charAt(position[0]) != '(') {
            return null;
        }
        if (named == null) {
            throw new TemplateException("format requires a mapping");
        }
        int start = position[0] + 1;
        int open = 1;
        int i = start;
        for (; i < format.length() && open > 0; i++) {
            open += format.charAt(i) == '(' ? 1 : format.charAt(i) == ')' ? -1 : 0;
        }
        if (open > 0) {
            throw new TemplateException("incomplete format key");
        }
        position[0] = i;
        return format.substring(start, i - 1);
    }

    private int convert(String format, int[] position, Object name, StringBuilder result) {
        var conversion = new Conversion();
        int i = flags(format, position[0], conversion);
        position[0] = i;
        conversion.width = number(format, position);
        if (conversion.width < -1) {
            conversion.left = true;
            conversion.width = -conversion.width;
        }
        i = position[0];
        if (i < format.length() && format.charAt(i) == '.') {
            position[0] = i + 1;
            conversion.precision = Math.max(0, number(format, position));
            i = position[0];
        }
        while (i < format.length() && "hlL".indexOf(format.charAt(i)) >= 0) {
            i++;
        }
        if (i >= format.length()) {
            throw new TemplateException("incomplete format");
        }
        char kind = format.charAt(i);
        append(result, kind == '%' ? "%" : padded(kind, value(name), conversion, i));
        return i + 1;
    }

    private static int flags(String format, int from, Conversion conversion) {
        int i = from;
        for (; i < format.length(); i++) {
            switch (format.charAt(i)) {
                case '-' -> conversion.left = true;
                case '0' -> conversion.zero = true;
                case '+' -> conversion.plus = true;
                case ' ' -> conversion.blank = true;
                case '#' -> conversion.alternate = true;
                default -> {
                    return i;
                }
            }
        }
        return i;
    }

    /// A number or `*`; −1 if there is none.
    private int number(String format, int[] position) {
        int i = position[0];
        if (i < format.length() && format.charAt(i) == '*') {
            position[0] = i + 1;
            return Values.requireInt(value(null));
        }
        int start = i;
        while (i < format.length() && format.charAt(i) >= '0' && format.charAt(i) <= '9') {
            i++;
        }
        position[0] = i;
        if (i - start > 9) {
            throw new TemplateException("width too big");
        }
        return i == start ? -1 : Integer.parseInt(format.substring(start, i));
    }

    private Object value(Object name) {
        if (name != null) {
            Object value = named.get(name);
            if (value == null) {
                throw new TemplateException(Printer.shortened(name));
            }
            return value;
        }
        if (next >= values.size()) {
            throw new TemplateException("not enough arguments for format string");
        }
        return values.get(next++);
    }

    private String padded(char kind, Object value, Conversion conversion, int index) {
        String sign = "";
        String body;
        boolean numeric = true;
        switch (kind) {
            case 's', 'r', 'a', 'c' -> {
                body = text(kind, value, conversion);
                numeric = false;
            }
            case 'd', 'i', 'u', 'x', 'X', 'o' -> {
                BigInteger whole = whole(kind, value);
                char radix = "iu".indexOf(kind) >= 0 ? 'd' : kind;
                body = NumberFormat.whole(whole, radix);
                body = "0".repeat(Math.clamp((long) conversion.precision - body.length(), 0, NumberFormat.MOST_PLACES))
                        + body;
                sign = sign(whole.signum() < 0, conversion) + (conversion.alternate ? NumberFormat.prefix(radix) : "");
            }
            case 'e', 'E', 'f', 'F', 'g', 'G' -> {
                double real = real(value);
                int places = conversion.precision < 0 ? 6 : conversion.precision;
                body = NumberFormat.real(Math.abs(real), kind, places, conversion.alternate);
                sign = sign(real < 0 || 1 / real < 0, conversion);
            }
            default ->
                throw new TemplateException("unsupported format character '" + kind + "' (0x"
                        + Integer.toHexString(kind) + ") at index " + index);
        }
        int missing = Math.max(0, conversion.width - PythonText.length(body) - sign.length());
        boolean zeros = conversion.zero && numeric && !conversion.left;
        String padding = Arithmetic.repeatedText(zeros ? "0" : " ", missing, rendering.budget);
        return conversion.left ? sign + body + padding : zeros ? sign + padding + body : padding + sign + body;
    }

    private static String sign(boolean negative, Conversion conversion) {
        return negative ? "-" : conversion.plus ? "+" : conversion.blank ? " " : "";
    }

    private String text(char kind, Object value, Conversion conversion) {
        String text =
                switch (kind) {
                    case 's' -> Printer.print(value, rendering.budget);
                    case 'c' -> character(value);
                    default -> Printer.repr(value, rendering.budget);
                };
        int length = PythonText.length(text);
        return conversion.precision >= 0 && conversion.precision < length && kind != 'c'
                ? PythonText.substring(text, 0, conversion.precision)
                : text;
    }

    private static String character(Object value) {
        if (value instanceof String text && PythonText.length(text) == 1) {
            return text;
        }
        if (Numbers.orNull(value) instanceof Long code) {
            if (code < 0 || code > Character.MAX_CODE_POINT) {
                throw new TemplateException("%c arg not in range(0x110000)");
            }
            return Character.toString(code.intValue());
        }
        throw new TemplateException("%c requires int or char");
    }

    private static BigInteger whole(char kind, Object value) {
        Object number = Numbers.orNull(value);
        boolean decimal = "diu".indexOf(kind) >= 0;
        if (number instanceof Double real && decimal && !real.isNaN() && !real.isInfinite()) {
            return new BigDecimal(real).toBigInteger();
        }
        if (number == null || number instanceof Double) {
            Values.refuse(value);
            throw new TemplateException("%" + kind + " format: " + (decimal ? "a real number" : "an integer")
                    + " is required, not " + Values.typeName(value));
        }
        return Numbers.big(number);
    }

    private static double real(Object value) {
        Object number = Numbers.orNull(value);
        if (number == null) {
            Values.refuse(value);
            throw new TemplateException("must be real number, not " + Values.typeName(value));
        }
        return Numbers.real(number);
    }
}
