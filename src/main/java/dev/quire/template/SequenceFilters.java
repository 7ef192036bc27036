package dev.quire.template;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.function.Function;

/// jinja2's filters of sequences. Where Python gives a generator, its elements are made at once.
final class SequenceFilters {
    private SequenceFilters() {}

    static Object apply(String name, Object value, Arguments arguments, Rendering rendering) {
        Budget budget = rendering.budget;
        return switch (name) {
            case "length", "count" -> {
                arguments.bind(name, 0);
                yield (long) Values.length(value);
            }
            case "list" -> {
                arguments.bind(name, 0);
                yield Values.list(value, budget);
            }
            case "first" -> {
                Iterator<Object> items = Values.iterate(value);
                yield items.hasNext() ? items.next() : new Undefined("No first item, sequence was empty.");
            }
            case "last" -> last(value, budget);
            case "join" -> join(value, arguments, rendering);
            case "map" -> map(value, arguments, rendering);
            case "select", "reject" -> select(name.equals("select"), false, value, arguments, rendering);
            case "selectattr", "rejectattr" -> select(name.equals("selectattr"), true, value, arguments, rendering);
            case "items" -> {
                if (value instanceof Undefined) {
                    yield Generator.of(List.of());
                }
                if (!(value instanceof Dict dict)) {
                    throw new TemplateException("Can only get item pairs from a mapping.");
                }
                yield Generator.of(dict.items());
            }
            case "reverse" -> reverse(value, budget);
            case "sort" -> sort(value, arguments, rendering);
            case "dictsort" -> sortDict(value, arguments, budget);
            case "unique" -> unique(value, arguments, rendering);
            case "min", "max" -> extreme(name.equals("min"), value, arguments, rendering);
            case "sum" -> sum(value, arguments, rendering);
            case "groupby" -> group(value, arguments, rendering);
            case "batch" -> batch(value, arguments, budget);
            default -> slice(value, arguments, budget);
        };
    }

    private static boolean isTrue(Object argument) {
        return argument != null && Values.truth(argument);
    }

    private static Object last(Object value, Budget budget) {
        if (value instanceof Generator || !Values.isIterable(value)) {
            throw new TemplateException("'" + Values.typeName(value) + "' object is not reversible");
        }
        List<Object> items = Values.list(value, budget);
        return items.isEmpty() ? new Undefined("No last item, sequence was empty.") : items.getLast();
    }

    private static Object reverse(Object value, Budget budget) {
        String text = Values.textOrNull(value);
        if (text != null) {
            budget.text(text.length());
            String reversed = new StringBuilder(text).reverse().toString();
            return value instanceof Markup ? new Markup(reversed) : reversed;
        }
        if (!Values.isIterable(value)) {
            throw new TemplateException("argument must be iterable");
        }
        List<Object> items = Values.list(value, budget);
        if (value instanceof Generator || value instanceof Undefined) {
            return new ArrayList<>(items.reversed());
        }
        String type =
                switch (value) {
                    case List<?> _ -> "list_reverseiterator";
                    case Dict _ -> "dict_reversekeyiterator";
                    case Range _ -> "range_iterator";
                    default -> "reversed";
                };
        return Generator.reversed(type, items);
    }

    /// `a.b.0` as a function of an element; `attribute` may be a number, and is the element itself if there is
    /// none.
    private static Function<Object, Object> getter(Object attribute, Object fallback, Rendering rendering) {
        List<Object> parts = parts(attribute, rendering.budget);
        return item -> {
            Object value = item;
            for (Object part : parts) {
                rendering.budget.step();
                value = Members.item(value, part, rendering);
                if (fallback != null && value instanceof Undefined) {
                    value = fallback;
                }
            }
            return value;
        };
    }

    private static List<Object> parts(Object attribute, Budget budget) {
        if (attribute == null || attribute == None.NONE) {
            return List.of();
        }
        String path = Values.textOrNull(attribute);
        if (path == null) {
            return List.of(attribute);
        }
        var parts = new ArrayList<Object>();
        for (Object part : PythonText.split(path, ".", -1, budget)) {
            boolean isNumber = !((String) part).isEmpty()
                    && ((String) part).length() < 10
                    && ((String) part).chars().allMatch(c -> c >= '0' && c <= '9');
            parts.add(isNumber ? (Object) Long.valueOf((String) part) : part);
        }
        return parts;
    }

    private static Object present(Object argument) {
        return argument == None.NONE ? null : argument;
    }

    private static Object withoutCase(Object value, boolean caseSensitive, Budget budget) {
        if (caseSensitive || !(value instanceof String text)) {
            return value;
        }
        budget.text(text.length());
        return PythonText.lower(text);
    }

    private static String join(Object value, Arguments arguments, Rendering rendering) {
        Object[] bound = arguments.bind("join", 0, "d", "attribute");
        String separator = bound[0] == null ? "" : rendering.print(bound[0]);
        Function<Object, Object> getter = getter(bound[1], null, rendering);
        Iterator<Object> items = Values.iterate(value);
        var joined = new StringBuilder();
        for (boolean first = true; items.hasNext(); first = false) {
            rendering.budget.step();
            String text = rendering.print(getter.apply(items.next()));
            TextMethods.append(joined, first ? "" : separator, text, rendering.budget);
        }
        return joined.toString();
    }

    private static Generator map(Object value, Arguments arguments, Rendering rendering) {
        if (!Values.truth(value)) {
            return Generator.of(List.of());
        }
        Function<Object, Object> function;
        if (arguments.positional().isEmpty() && arguments.named().containsKey("attribute")) {
            Object[] bound = arguments.bind("map", 0, "attribute", "default");
            function = getter(bound[0], present(bound[1]), rendering);
        } else if (arguments.positional().isEmpty()) {
            throw new TemplateException("map requires a filter argument");
        } else {
            String name = Values.requireText(arguments.positional().get(0), "map");
            Arguments rest = arguments.rest();
            function = item -> Filters.apply(name, item, rest, rendering);
        }
        var results = new ArrayList<Object>();
        for (Object item : Values.list(value, rendering.budget)) {
            rendering.budget.step();
            results.add(function.apply(item));
        }
        return Generator.of(results);
    }

    private static Generator select(
            boolean wanted, boolean byAttribute, Object value, Arguments arguments, Rendering rendering) {
        if (!Values.truth(value)) {
            return Generator.of(List.of());
        }
        Arguments rest = arguments;
        Function<Object, Object> getter = item -> item;
        if (byAttribute) {
            if (arguments.positional().isEmpty()) {
                throw new TemplateException("Missing parameter for attribute name");
            }
            getter = getter(arguments.positional().get(0), null, rendering);
            rest = arguments.rest();
        }
        boolean hasTest = !rest.positional().isEmpty();
        String test = hasTest ? Values.requireText(rest.positional().get(0), "select") : "";
        Arguments given = hasTest ? rest.rest() : rest;
        var selected = new ArrayList<Object>();
        for (Object item : Values.list(value, rendering.budget)) {
            rendering.budget.step();
            Object tested = getter.apply(item);
            boolean holds = hasTest ? Tests.holds(test, tested, given, rendering) : Values.truth(tested);
            if (holds == wanted) {
                selected.add(item);
            }
        }
        return Generator.of(selected);
    }

    /// By several attributes if they have commas between them.
    private static Object sort(Object value, Arguments arguments, Rendering rendering) {
        Object[] bound = arguments.bind("sort", 0, "reverse", "case_sensitive", "attribute");
        var getters = new ArrayList<Function<Object, Object>>();
        String paths = bound[2] == null ? null : Values.textOrNull(bound[2]);
        List<Object> attributes = paths != null ? PythonText.split(paths, ",", -1, rendering.budget) : List.of();
        for (Object attribute : attributes) {
            getters.add(getter(attribute, null, rendering));
        }
        if (paths == null) {
            getters.add(getter(bound[2], null, rendering));
        }
        var keyed = new ArrayList<Comparison.Keyed>();
        for (Object item : Values.list(value, rendering.budget)) {
            var key = new ArrayList<Object>(getters.size());
            for (Function<Object, Object> getter : getters) {
                key.add(withoutCase(getter.apply(item), isTrue(bound[1]), rendering.budget));
            }
            keyed.add(new Comparison.Keyed(key, item));
        }
        return Comparison.sort(keyed, isTrue(bound[0]), rendering.budget);
    }

    private static Object sortDict(Object value, Arguments arguments, Budget budget) {
        Object[] bound = arguments.bind("dictsort", 0, "case_sensitive", "by", "reverse");
        if (!(value instanceof Dict dict)) {
            Values.refuse(value);
            throw new TemplateException("'" + Values.typeName(value) + "' object has no attribute 'items'");
        }
        String by = bound[1] == null ? "key" : Values.requireText(bound[1], "dictsort");
        if (!by.equals("key") && !by.equals("value")) {
            throw new TemplateException("You can only sort by either \"key\" or \"value\"");
        }
        var keyed = new ArrayList<Comparison.Keyed>();
        for (Object pair : dict.items()) {
            Object key = ((Tuple) pair).items().get(by.equals("key") ? 0 : 1);
            keyed.add(new Comparison.Keyed(withoutCase(key, isTrue(bound[0]), budget), pair));
        }
        return Comparison.sort(keyed, isTrue(bound[2]), budget);
    }

    private static Generator unique(Object value, Arguments arguments, Rendering rendering) {
        Object[] bound = arguments.bind("unique", 0, "case_sensitive", "attribute");
        Function<Object, Object> getter = getter(bound[1], null, rendering);
        var seen = new HashSet<Object>();
        var unique = new ArrayList<Object>();
        for (Object item : Values.list(value, rendering.budget)) {
            if (seen.add(Dict.hashable(withoutCase(getter.apply(item), isTrue(bound[0]), rendering.budget)))) {
                unique.add(item);
            }
        }
        return Generator.of(unique);
    }

    private static Object extreme(boolean least, Object value, Arguments arguments, Rendering rendering) {
        Object[] bound = arguments.bind("min", 0, "case_sensitive", "attribute");
        Function<Object, Object> getter = getter(bound[1], null, rendering);
        Object best = null;
        Object bestKey = null;
        for (Object item : Values.list(value, rendering.budget)) {
            rendering.budget.step();
            Object key = withoutCase(getter.apply(item), isTrue(bound[0]), rendering.budget);
            boolean better = best == null
                    || (least
                            ? Comparison.holds(key, bestKey, "<", rendering.budget)
                            : Comparison.holds(key, bestKey, ">", rendering.budget));
            if (better) {
                best = item;
                bestKey = key;
            }
        }
        return best == null ? new Undefined("No aggregated item, sequence was empty.") : best;
    }

    private static Object sum(Object value, Arguments arguments, Rendering rendering) {
        Object[] bound = arguments.bind("sum", 0, "attribute", "start");
        Function<Object, Object> getter = getter(bound[0], null, rendering);
        Object sum = bound[1] == null ? 0L : bound[1];
        if (Values.textOrNull(sum) != null) {
            throw new TemplateException("sum() can't sum strings [use ''.join(seq) instead]");
        }
        for (Object item : Values.list(value, rendering.budget)) {
            sum = Arithmetic.apply("+", sum, getter.apply(item), rendering);
        }
        return sum;
    }

    /// Pairs of a key and its items, sorted by key.
    private static Object group(Object value, Arguments arguments, Rendering rendering) {
        Object[] bound = arguments.bind("groupby", 1, "attribute", "default", "case_sensitive");
        boolean caseSensitive = isTrue(bound[2]);
        Function<Object, Object> getter = getter(bound[0], present(bound[1]), rendering);
        var keyed = new ArrayList<Comparison.Keyed>();
        for (Object item : Values.list(value, rendering.budget)) {
            keyed.add(new Comparison.Keyed(withoutCase(getter.apply(item), caseSensitive, rendering.budget), item));
        }
        var groups = new ArrayList<Object>();
        List<Object> group = List.of();
        Object groupKey = null;
        for (Object item : Comparison.sort(keyed, false, rendering.budget)) {
            Object key = withoutCase(getter.apply(item), caseSensitive, rendering.budget);
            if (groupKey == null || !Comparison.equal(groupKey, key, rendering.budget)) {
                group = new ArrayList<>();
                groups.add(new Tuple(new Members.Group(getter.apply(item), group)));
                groupKey = key;
            }
            group.add(item);
        }
        return groups;
    }

    private static Generator batch(Object value, Arguments arguments, Budget budget) {
        Object[] bound = arguments.bind("batch", 1, "linecount", "fill_with");
        int size = Values.requireInt(bound[0]);
        var batches = new ArrayList<Object>();
        List<Object> batch = new ArrayList<>();
        for (Object item : Values.list(value, budget)) {
            if (batch.size() == size) {
                batches.add(batch);
                batch = new ArrayList<>();
            }
            batch.add(item);
        }
        if (!batch.isEmpty()) {
            if (present(bound[1]) != null && batch.size() < size) {
                budget.items(size);
                while (batch.size() < size) {
                    batch.add(bound[1]);
                }
            }
            batches.add(batch);
        }
        return Generator.of(batches);
    }

    private static Generator slice(Object value, Arguments arguments, Budget budget) {
        Object[] bound = arguments.bind("slice", 1, "slices", "fill_with");
        List<Object> items = Values.list(value, budget);
        int slices = Values.requireInt(bound[0]);
        if (slices == 0) {
            throw new TemplateException("integer division or modulo by zero");
        }
        budget.items(Math.max(0, slices));
        int size = Math.floorDiv(items.size(), slices);
        int larger = Math.floorMod(items.size(), slices);
        var result = new ArrayList<Object>();
        int start = 0;
        for (int i = 0; i < slices; i++) {
            int end = start + size + (i < larger ? 1 : 0);
            var slice = new ArrayList<Object>(items.subList(start, end));
            if (present(bound[1]) != null && i >= larger) {
                slice.add(bound[1]);
            }
            result.add(slice);
            start = end;
        }
        return Generator.of(result);
    }
}
