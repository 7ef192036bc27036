package dev.quire.template;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/// `object.name` and `object[key]` as jinja2's sandbox resolves them, and the methods of collections. Whatever is
/// not listed in this package is not there: no expression leads from a value to a class, a file or a thread.
final class Members {
    private static final Set<String> LIST_CHANGES =
            Set.of("append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove");
    private static final Set<String> DICT_CHANGES = Set.of("clear", "pop", "popitem", "setdefault", "update");

    private Members() {}

    /// `object.name`: attributes first, then elements.
    static Object attribute(Object object, String name, Rendering rendering) {
        Values.refuse(object);
        Object found = own(object, name);
        if (found == null && object instanceof Dict dict) {
            found = dict.get(name);
        }
        return found == null ? Undefined.member(object, name) : found;
    }

    /// `object[key]`: elements first, then attributes.
    static Object item(Object object, Object key, Rendering rendering) {
        Values.refuse(object);
        Object found =
                switch (object) {
                    case Dict dict -> isHashable(key) ? dict.get(key) : null;
                    case List<?> list -> element(list, key);
                    case Tuple tuple -> element(tuple.items(), key);
                    case String text -> character(text, key, rendering.budget);
                    case Markup markup -> {
                        Object character = character(markup.text(), key, rendering.budget);
                        yield character == null ? null : new Markup((String) character);
                    }
                    case Range range -> {
                        int index = index(key, range.length());
                        yield index < 0 ? null : range.get(index);
                    }
                    default -> null;
                };
        String name = found == null ? Values.textOrNull(key) : null;
        if (name != null) {
            found = own(object, name);
        }
        return found == null ? Undefined.member(object, key) : found;
    }

    private static boolean isHashable(Object key) {
        try {
            Dict.hashable(key);
            return true;
        } catch (TemplateException e) {
            return false;
        }
    }

    private static Object element(List<?> list, Object key) {
        int index = index(key, list.size());
        return index < 0 ? null : list.get(index);
    }

    private static Object character(String text, Object key, Budget budget) {
        if (!(Numbers.orNull(key) instanceof Long)) {
            return null;
        }
        budget.scan(text.length());
        int index = index(key, PythonText.length(text));
        return index < 0 ? null : PythonText.substring(text, index, index + 1);
    }

    /// Counted from the start; −1 if there is none.
    private static int index(Object key, int length) {
        if (!(Numbers.orNull(key) instanceof Long index)) {
            return -1;
        }
        long at = index < 0 ? index + length : index;
        return at >= 0 && at < length ? (int) at : -1;
    }

    /// What Python's `getattr` finds and the sandbox lets through; Java's null if there is nothing.
    private static Object own(Object object, String name) {
        if (name.startsWith("__") && name.endsWith("__")) {
            return Undefined.unsafe(object, name);
        }
        return switch (object) {
            case String text -> TextMethods.find(text, name);
            case Markup markup -> TextMethods.find(markup, name);
            case Dict dict -> dictMethod(dict, name);
            case List<?> list ->
                LIST_CHANGES.contains(name)
                        ? Undefined.unsafe(object, name)
                        : sequenceMethod(Values.unchecked(list), object, name);
            case Tuple tuple -> tupleMember(tuple, name);
            case Range range -> rangeMember(range, name);
            case Namespace namespace -> namespace.get(name);
            case Loop loop -> loop.member(name);
            case Macro macro -> macro.member(name);
            case Globals.Cycler cycler -> cycler.member(name);
            case Globals.DictType _ -> name.equals("fromkeys") ? Function.method(name, Globals::dictFromKeys) : null;
            case Double number ->
                name.equals("is_integer") ? Function.method(name, (_, _) -> Numbers.wholeOrNull(number) != null) : null;
            case Long number ->
                name.equals("bit_length")
                        ? Function.method(
                                name, (_, _) -> (long) Numbers.big(number).abs().bitLength())
                        : null;
            default -> null;
        };
    }

    private static Object dictMethod(Dict dict, String name) {
        if (DICT_CHANGES.contains(name)) {
            return Undefined.unsafe(dict, name);
        }
        return switch (name) {
            case "get" ->
                Function.method(name, (_, arguments) -> {
                    Object[] bound = arguments.bind("get", 1, "key", "default");
                    Object value = dict.get(bound[0]);
                    return value != null ? value : bound[1] == null ? None.NONE : bound[1];
                });
            case "items" -> view(name, new DictView(DictView.Kind.ITEMS, dict));
            case "keys" -> view(name, new DictView(DictView.Kind.KEYS, dict));
            case "values" -> view(name, new DictView(DictView.Kind.VALUES, dict));
            case "copy" ->
                Function.method(name, (rendering, arguments) -> {
                    arguments.bind("copy", 0);
                    rendering.budget.items(dict.size());
                    return new Dict(dict);
                });
            case "fromkeys" -> Function.method(name, Globals::dictFromKeys);
            default -> null;
        };
    }

    private static Function view(String name, DictView view) {
        return Function.method(name, (_, arguments) -> {
            arguments.bind(name, 0);
            return view;
        });
    }

    private static Object sequenceMethod(List<Object> items, Object object, String name) {
        return switch (name) {
            case "count" ->
                Function.method(name, (rendering, arguments) -> {
                    Object sought = arguments.bind(name, 1, "value")[0];
                    long count = 0;
                    for (Object item : items) {
                        rendering.budget.step();
                        count += item == sought || Comparison.equal(item, sought, rendering.budget) ? 1 : 0;
                    }
                    return count;
                });
            case "index" ->
                Function.method(name, (rendering, arguments) -> {
                    Object[] bound = arguments.bind(name, 1, "value", "start", "stop");
                    int start = Slices.start(bound[1], items.size());
                    int stop = Slices.stop(bound[2], items.size());
                    for (int i = start; i < stop; i++) {
                        rendering.budget.step();
                        if (items.get(i) == bound[0] || Comparison.equal(items.get(i), bound[0], rendering.budget)) {
                            return (long) i;
                        }
                    }
                    throw new TemplateException(
                            object instanceof Tuple
                                    ? "tuple.index(x): x not in tuple"
                                    : Printer.shortened(bound[0]) + " is not in list");
                });
            case "copy" ->
                object instanceof Tuple
                        ? null
                        : Function.method(name, (rendering, arguments) -> {
                            arguments.bind(name, 0);
                            rendering.budget.items(items.size());
                            return new ArrayList<>(items);
                        });
            default -> null;
        };
    }

    /// The pairs that `groupby` makes have names.
    private static Object tupleMember(Tuple tuple, String name) {
        if (tuple.items() instanceof Group group) {
            if (name.equals("grouper")) {
                return group.get(0);
            }
            if (name.equals("list")) {
                return group.get(1);
            }
        }
        return sequenceMethod(tuple.items(), tuple, name);
    }

    /// The elements of a pair made by `groupby`: the key and its list.
    static final class Group extends java.util.AbstractList<Object> {
        private final Object grouper;
        private final List<Object> items;

        Group(Object grouper, List<Object> items) {
            this.grouper = grouper;
            this.items = items;
        }

        @Override
        public Object get(int index) {
            return switch (index) {
                case 0 -> grouper;
                case 1 -> items;
                default -> throw new IndexOutOfBoundsException("index must be 0 or 1: index=" + index);
            };
        }

        @Override
        public int size() {
            return 2;
        }
    }

    private static Object rangeMember(Range range, String name) {
        return switch (name) {
            case "start" -> range.start();
            case "stop" -> range.stop();
            case "step" -> range.step();
            case "count", "index" -> {
                var numbers = new ArrayList<Object>();
                Values.iterate(range).forEachRemaining(numbers::add);
                yield sequenceMethod(numbers, range, name);
            }
            default -> null;
        };
    }
}
