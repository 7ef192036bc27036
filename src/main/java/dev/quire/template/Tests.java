package dev.quire.template;

import java.math.BigInteger;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// jinja2's tests by name.
final class Tests {
    private static final Map<String, String> COMPARISONS = Map.ofEntries(
            Map.entry("eq", "=="),
            Map.entry("equalto", "=="),
            Map.entry("==", "=="),
            Map.entry("ne", "!="),
            Map.entry("!=", "!="),
            Map.entry("lt", "<"),
            Map.entry("lessthan", "<"),
            Map.entry("<", "<"),
            Map.entry("le", "<="),
            Map.entry("<=", "<="),
            Map.entry("gt", ">"),
            Map.entry("greaterthan", ">"),
            Map.entry(">", ">"),
            Map.entry("ge", ">="),
            Map.entry(">=", ">="),
            Map.entry("in", "in"));

    private static final Set<String> NAMES = Set.of(
            "boolean",
            "callable",
            "defined",
            "divisibleby",
            "escaped",
            "even",
            "false",
            "filter",
            "float",
            "integer",
            "iterable",
            "lower",
            "mapping",
            "none",
            "number",
            "odd",
            "sameas",
            "sequence",
            "string",
            "test",
            "true",
            "undefined",
            "upper");

    private Tests() {}

    static boolean isKnown(String name) {
        return NAMES.contains(name) || COMPARISONS.containsKey(name);
    }

    static boolean holds(String name, Object value, Arguments arguments, Rendering rendering) {
        String comparison = COMPARISONS.get(name);
        if (comparison != null) {
            Object other = arguments.bind(name, 1, "other")[0];
            return Expression.Compare.holds(comparison, value, other, rendering.budget);
        }
        if (!NAMES.contains(name)) {
            throw new TemplateException("No test named " + Printer.quoted(name) + ".");
        }
        if (name.equals("divisibleby")) {
            Object number = arguments.bind(name, 1, "num")[0];
            return isZero(Arithmetic.apply("%", value, number, rendering), rendering);
        }
        if (name.equals("sameas")) {
            return isSame(value, arguments.bind(name, 1, "other")[0]);
        }
        arguments.bind(name, 0);
        return switch (name) {
            case "even" -> isZero(Arithmetic.apply("%", value, 2L, rendering), rendering);
            case "odd" -> Comparison.equal(Arithmetic.apply("%", value, 2L, rendering), 1L, rendering.budget);
            case "lower" -> TextMethods.isLower(rendering.print(value));
            case "upper" -> TextMethods.isUpper(rendering.print(value));
            case "filter" -> Filters.isKnown(known(value));
            case "test" -> isKnown(known(value));
            default -> isOfKind(name, value);
        };
    }

    private static boolean isZero(Object value, Rendering rendering) {
        return Comparison.equal(value, 0L, rendering.budget);
    }

    private static String known(Object value) {
        String name = Values.textOrNull(value);
        return name == null ? "" : name;
    }

    /// Small values have no identity of their own in Java: equal ones of a type are the same, as Python's usually
    /// are.
    private static boolean isSame(Object value, Object other) {
        boolean small = value instanceof Boolean || value instanceof Long || value instanceof String;
        return value == other
                || small && value.equals(other)
                || value instanceof Tuple one
                        && other instanceof Tuple two
                        && one.items().isEmpty()
                        && two.items().isEmpty();
    }

    private static boolean isOfKind(String name, Object value) {
        return switch (name) {
            case "defined" -> !(value instanceof Undefined);
            case "undefined" -> value instanceof Undefined;
            case "none" -> value == None.NONE;
            case "boolean" -> value instanceof Boolean;
            case "true" -> Boolean.TRUE.equals(value);
            case "false" -> Boolean.FALSE.equals(value);
            case "integer" -> value instanceof Long || value instanceof BigInteger;
            case "float" -> value instanceof Double;
            case "number" -> Numbers.orNull(value) != null;
            case "string" -> Values.textOrNull(value) != null;
            case "mapping" -> value instanceof Dict;
            // jinja2 asks for a length and for access by index, which `Undefined` fails.
            case "sequence" ->
                Values.textOrNull(value) != null
                        || value instanceof List
                        || value instanceof Tuple
                        || value instanceof Dict
                        || value instanceof Range
                        || value instanceof Undefined;
            case "iterable" -> Values.isIterable(value) || value instanceof Loop;
            case "callable" -> value instanceof Callable || value instanceof Undefined;
            default -> value instanceof Markup; // escaped
        };
    }
}
