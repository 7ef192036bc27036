package dev.quire.template;

import java.math.BigInteger;

/// Python's `text.format(…)`, with what jinja2's sandbox lets a field reach.
final class BraceFormat {
    private static final int DEEPEST = 2; // a field within a specification, as in Python

    private final Rendering rendering;
    private final Arguments arguments;
    private final Object map; // of format_map, else Java's null
    private int automatic; // next index of `{}`

    BraceFormat(Rendering rendering, Arguments arguments) {
        this(rendering, arguments, null);
    }

    BraceFormat(Rendering rendering, Object map) {
        this(rendering, Arguments.NONE, map);
    }

    private BraceFormat(Rendering rendering, Arguments arguments, Object map) {
        this.rendering = rendering;
        this.arguments = arguments;
        this.map = map;
    }

    String format(String format) {
        return format(format, DEEPEST);
    }

    private String format(String format, int levels) {
        if (levels < 0) {
            throw new TemplateException("Max string recursion exceeded");
        }
        var result = new StringBuilder();
        for (int i = 0; i < format.length(); i++) {
            char character = format.charAt(i);
            boolean doubled = i + 1 < format.length() && format.charAt(i + 1) == character;
            if (character != '{' && character != '}' || doubled) {
                append(result, String.valueOf(character));
                i += character == '{' || character == '}' ? 1 : 0;
            } else if (character == '}') {
                throw new TemplateException("Single '}' encountered in format string");
            } else {
                int end = closing(format, i);
                append(result, field(format.substring(i + 1, end), levels));
                i = end;
            }
        }
        return result.toString();
    }

    private void append(StringBuilder result, String text) {
        rendering.budget.grow(result.length(), text.length());
        result.append(text);
    }

    private static int closing(String format, int open) {
        int depth = 0;
        for (int i = open; i < format.length(); i++) {
            depth += format.charAt(i) == '{' ? 1 : format.charAt(i) == '}' ? -1 : 0;
            if (depth == 0) {
                return i;
            }
        }
        throw new TemplateException(
                open + 1 == format.length()
                        ? "Single '{' encountered in format string"
                        : "expected '}' before end of string");
    }

    private String field(String field, int levels) {
        int end = 0;
        int brackets = 0;
        while (end < field.length() && (brackets > 0 || ":!".indexOf(field.charAt(end)) < 0)) {
            brackets += field.charAt(end) == '[' ? 1 : field.charAt(end) == ']' ? -1 : 0;
            end++;
        }
        Object value = value(field.substring(0, end));
        if (end < field.length() && field.charAt(end) == '!') {
            char kind = end + 1 < field.length() ? field.charAt(end + 1) : ' ';
            value = switch (kind) {
                case 's' -> Printer.print(value, rendering.budget);
                case 'r', 'a' -> Printer.repr(value, rendering.budget);
                default -> throw new TemplateException("Unknown conversion specifier '" + kind + "'");
            };
            end += 2;
        }
        String specification = end < field.length() ? format(field.substring(end + 1), levels - 1) : "";
        return formatted(value, specification);
    }

    private Object value(String name) {
        int end = 0;
        while (end < name.length() && ".[".indexOf(name.charAt(end)) < 0) {
            end++;
        }
        Object value = first(name.substring(0, end));
        while (end < name.length()) {
            rendering.budget.step();
            boolean item = name.charAt(end) == '[';
            int stop = end + 1;
            while (stop < name.length() && (item ? name.charAt(stop) != ']' : ".[".indexOf(name.charAt(stop)) < 0)) {
                stop++;
            }
            String part = name.substring(end + 1, stop);
            if (part.isEmpty()) {
                throw new TemplateException("Empty attribute in format string");
            }
            value = item ? Members.item(value, key(part), rendering) : Members.attribute(value, part, rendering);
            end = item ? stop + 1 : stop;
        }
        return value;
    }

    private static Object key(String part) {
        return part.length() < 10 && part.chars().allMatch(c -> c >= '0' && c <= '9')
                ? (Object) Long.valueOf(part)
                : part;
    }

    private Object first(String name) {
        Object key = name.isEmpty() ? (Object) (long) automatic++ : key(name);
        if (map != null) {
            Values.refuse(map);
            return found(map instanceof Dict dict ? dict.get(key) : null, key);
        }
        if (key instanceof Long index) {
            if (index >= arguments.positional().size()) {
                throw new TemplateException("Replacement index " + index + " out of range for positional args tuple");
            }
            return arguments.positional().get(index.intValue());
        }
        return found(arguments.named().get(name), key);
    }

    private static Object found(Object value, Object key) {
        if (value == null) {
            throw new TemplateException(Printer.shortened(key));
        }
        return value;
    }

    private String formatted(Object value, String text) {
        if (text.isEmpty()) {
            return Printer.print(value, rendering.budget);
        }
        var specification = FormatSpecification.parse(text);
        Object number = Numbers.orNull(value);
        if (number != null) {
            return number(number, specification);
        }
        String string = Values.textOrNull(value);
        if (string == null) {
            throw new TemplateException(
                    "unsupported format string passed to " + Values.typeName(value) + ".__format__");
        }
        if (specification.kind() != 0 && specification.kind() != 's') {
            throw new TemplateException("Unknown format code '" + (char) specification.kind() + "' for object of type '"
                    + Values.typeName(value) + "'");
        }
        int length = PythonText.length(string);
        int precision = specification.precision();
        String cut = precision >= 0 && precision < length ? PythonText.substring(string, 0, precision) : string;
        return specification.pad("", cut, '<', rendering.budget);
    }

    private String number(Object number, FormatSpecification specification) {
        boolean real = number instanceof Double || "eEfFgG%".indexOf(specification.kind()) >= 0;
        if (real) {
            return real(Numbers.real(number), specification);
        }
        BigInteger whole = Numbers.big(number);
        char kind = specification.kind() == 0 || specification.kind() == 'n' ? 'd' : (char) specification.kind();
        if (kind == 'c') {
            return specification.pad("", Character.toString(whole.intValue() & 0x1fffff), '<', rendering.budget);
        }
        if ("dxXob".indexOf(kind) < 0 || specification.precision() >= 0) {
            throw new TemplateException("Unknown format code '" + kind + "' for object of type 'int'");
        }
        String digits = specification.grouped(NumberFormat.whole(whole, kind), kind == 'd' ? 3 : 4);
        String prefix = specification.alternate() ? NumberFormat.prefix(kind) : "";
        return specification.pad(specification.sign(whole.signum() < 0) + prefix, digits, '>', rendering.budget);
    }

    private String real(double number, FormatSpecification specification) {
        int kind = specification.kind();
        int precision = specification.precision();
        double size = Math.abs(number);
        String digits;
        if (kind == '%') {
            digits = NumberFormat.real(size * 100, 'f', precision < 0 ? 6 : precision, false) + "%";
        } else if (kind == 0) {
            digits = precision < 0 ? Numbers.print(size) : general(size, precision);
        } else {
            char letter = kind == 'n' ? 'g' : (char) kind;
            digits = NumberFormat.real(size, letter, precision < 0 ? 6 : precision, specification.alternate());
        }
        int point = 0;
        while (point < digits.length() && Character.isDigit(digits.charAt(point))) {
            point++;
        }
        String grouped = specification.grouped(digits.substring(0, point), 3) + digits.substring(point);
        return specification.pad(specification.sign(number < 0 || 1 / number < 0), grouped, '>', rendering.budget);
    }

    /// Without a letter: as `g`, but with a digit after the point.
    private static String general(double number, int precision) {
        String digits = NumberFormat.real(number, 'g', precision, false);
        boolean whole = digits.chars().allMatch(Character::isDigit);
        if (whole && digits.length() >= Math.max(precision, 1)) {
            return NumberFormat.real(number, 'e', Math.max(precision, 1) - 1, false)
                    .replaceAll("\\.?0+(?=e)", "");
        }
        return whole ? digits + ".0" : digits;
    }
}
