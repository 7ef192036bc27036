package dev.quire.template;

import java.util.List;
import java.util.Set;

/// jinja2's filters by name, with Transformers' `tojson`. Left out: `random`, `pprint` and `urlize`.
final class Filters {
    private static final Set<String> TEXT = Set.of(
            "capitalize",
            "center",
            "e",
            "escape",
            "forceescape",
            "format",
            "indent",
            "lower",
            "replace",
            "safe",
            "string",
            "striptags",
            "title",
            "tojson",
            "trim",
            "truncate",
            "upper",
            "urlencode",
            "wordcount",
            "wordwrap",
            "xmlattr");
    private static final Set<String> SEQUENCE = Set.of(
            "batch",
            "count",
            "dictsort",
            "first",
            "groupby",
            "items",
            "join",
            "last",
            "length",
            "list",
            "map",
            "max",
            "min",
            "reject",
            "rejectattr",
            "reverse",
            "select",
            "selectattr",
            "slice",
            "sort",
            "sum",
            "unique");
    private static final Set<String> VALUE =
            Set.of("abs", "attr", "d", "default", "filesizeformat", "float", "int", "round");

    private Filters() {}

    static boolean isKnown(String name) {
        return TEXT.contains(name) || SEQUENCE.contains(name) || VALUE.contains(name);
    }

    static Object apply(String name, Object value, Arguments arguments, Rendering rendering) {
        rendering.budget.step();
        if (TEXT.contains(name)) {
            return TextFilters.apply(name, value, arguments, rendering);
        }
        if (SEQUENCE.contains(name)) {
            return SequenceFilters.apply(name, value, arguments, rendering);
        }
        if (!VALUE.contains(name)) {
            throw new TemplateException("No filter named " + Printer.quoted(name) + ".");
        }
        return switch (name) {
            case "d", "default" -> {
                Object[] bound = arguments.bind(name, 0, "default_value", "boolean");
                boolean absent = value instanceof Undefined
                        || bound[1] != null && Values.truth(bound[1]) && !Values.truth(value);
                yield !absent ? value : bound[0] == null ? "" : bound[0];
            }
            case "int" -> whole(value, arguments);
            case "float" -> {
                Object[] bound = arguments.bind(name, 0, "default");
                Object real = realOrNull(value);
                yield real != null ? real : bound[0] == null ? 0.0 : bound[0];
            }
            case "abs" -> absolute(value);
            case "round" -> round(value, arguments);
            case "attr" -> attribute(value, arguments, rendering);
            default -> fileSize(value, arguments);
        };
    }

    private static Object absolute(Object value) {
        Object number = Numbers.orNull(value);
        if (number == null) {
            Values.refuse(value);
            throw new TemplateException("bad operand type for abs(): '" + Values.typeName(value) + "'");
        }
        if (number instanceof Double real) {
            return Math.abs(real);
        }
        return Numbers.normal(Numbers.big(number).abs());
    }

    private static Object whole(Object value, Arguments arguments) {
        Object[] bound = arguments.bind("int", 0, "default", "base");
        Values.refuse(value);
        String text = Values.textOrNull(value);
        int radix = bound[1] == null ? 10 : Values.requireInt(bound[1]);
        if (text != null && (radix == 0 || radix >= 2 && radix <= 36)) {
            Object whole = Numbers.parseWhole(text, radix);
            if (whole != null) {
                return whole;
            }
        }
        Object number = text == null ? Numbers.orNull(value) : Numbers.parseReal(text);
        if (number instanceof Double real) {
            double cut = real < 0 ? Math.ceil(real) : Math.floor(real);
            number = Numbers.wholeOrNull(cut);
        }
        return number != null ? number : bound[0] == null ? (Object) 0L : bound[0];
    }

    private static Object realOrNull(Object value) {
        Values.refuse(value);
        String text = Values.textOrNull(value);
        if (text != null) {
            return Numbers.parseReal(text);
        }
        Object number = Numbers.orNull(value);
        return number == null ? null : (Object) Numbers.real(number);
    }

    private static Object round(Object value, Arguments arguments) {
        Object[] bound = arguments.bind("round", 0, "precision", "method");
        int precision = bound[0] == null ? 0 : Values.requireInt(bound[0]);
        String method = bound[1] == null ? "common" : Values.requireText(bound[1], "round");
        Object number = Numbers.orNull(value);
        if (!List.of("common", "ceil", "floor").contains(method)) {
            throw new TemplateException("method must be common, ceil or floor");
        }
        if (number == null) {
            Values.refuse(value);
            throw new TemplateException("type " + Values.typeName(value) + " doesn't define __round__ method");
        }
        if (method.equals("common")) {
            return Numbers.round(number, precision);
        }
        if (Math.abs(precision) > 308) {
            throw new TemplateException("precision must not be larger: precision=" + precision + ", most=308");
        }
        double scale = Math.pow(10, precision);
        double scaled = Numbers.real(number) * scale;
        if (Double.isNaN(scaled) || Double.isInfinite(scaled)) {
            throw new TemplateException("cannot convert float to integer");
        }
        return (method.equals("ceil") ? Math.ceil(scaled) : Math.floor(scaled)) / scale;
    }

    private static Object attribute(Object value, Arguments arguments, Rendering rendering) {
        String name = Values.requireText(arguments.bind("attr", 1, "name")[0], "attr");
        Values.refuse(value);
        // Elements do not count here, so a dictionary is asked for its methods only.
        return Members.attribute(value instanceof Dict ? new Dict() : value, name, rendering) instanceof Undefined
                ? Undefined.member(value, name)
                : Members.attribute(value, name, rendering);
    }

    private static String fileSize(Object value, Arguments arguments) {
        Object[] bound = arguments.bind("filesizeformat", 0, "binary");
        boolean binary = bound[0] != null && Values.truth(bound[0]);
        Object real = realOrNull(value);
        if (real == null) {
            throw new TemplateException("could not convert to float: " + Printer.shortened(value));
        }
        double bytes = (Double) real;
        int unit = binary ? 1024 : 1000;
        if (bytes == 1) {
            return "1 Byte";
        }
        if (bytes < unit) {
            return (long) bytes + " Bytes";
        }
        String[] prefixes = {"k", "M", "G", "T", "P", "E", "Z", "Y"};
        int power = 0;
        while (power < prefixes.length - 1 && bytes >= Math.pow(unit, power + 2)) {
            power++;
        }
        double shown = unit * bytes / Math.pow(unit, power + 2);
        String prefix = binary ? PythonText.upper(prefixes[power]) + "iB" : prefixes[power] + "B";
        return NumberFormat.real(shown, 'f', 1, false) + " " + prefix;
    }
}
