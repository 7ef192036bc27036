package dev.quire.template;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Python's `dict`: in the order of insertion; `1`, `1.0` and `True` are one key. Only its maker changes it.
final class Dict {
    /// Values within one key: a tuple may hold another twice, and that one a third.
    private static final int LARGEST_KEY = 1_000;

    private static final int DEEPEST_KEY = 100;

    private record Entry(Object key, Object value) {}

    private record TupleKey(List<Object> items) {}

    private final Map<Object, Entry> entries;

    Dict() {
        entries = new LinkedHashMap<>();
    }

    Dict(Dict other) {
        entries = new LinkedHashMap<>(other.entries);
    }

    int size() {
        return entries.size();
    }

    /// Java's null if there is none.
    Object get(Object key) {
        Entry entry = entries.get(hashable(key));
        return entry == null ? null : entry.value;
    }

    boolean has(Object key) {
        return entries.containsKey(hashable(key));
    }

    /// A key that is there stays as it was written first.
    void put(Object key, Object value) {
        Object hashable = hashable(key);
        Entry before = entries.get(hashable);
        entries.put(hashable, new Entry(before == null ? key : before.key, value));
    }

    List<Object> keys() {
        var keys = new ArrayList<Object>(entries.size());
        entries.values().forEach(entry -> keys.add(entry.key));
        return keys;
    }

    List<Object> values() {
        var values = new ArrayList<Object>(entries.size());
        entries.values().forEach(entry -> values.add(entry.value));
        return values;
    }

    /// Pairs of key and value.
    List<Object> items() {
        var items = new ArrayList<Object>(entries.size());
        entries.values().forEach(entry -> items.add(Tuple.of(entry.key, entry.value)));
        return items;
    }

    /// What Java finds equal where Python does.
    static Object hashable(Object key) {
        return key instanceof String ? key : hashable(key, 0, new int[1]);
    }

    private static Object hashable(Object key, int level, int[] size) {
        if (level > DEEPEST_KEY || ++size[0] > LARGEST_KEY) {
            throw new TemplateException("key must not be larger: deepest=" + DEEPEST_KEY + ", largest=" + LARGEST_KEY);
        }
        return switch (key) {
            case Markup markup -> markup.text();
            case Boolean truth -> truth ? 1L : 0L;
            case Double number -> {
                Object whole = Numbers.wholeOrNull(number);
                yield whole == null ? number : whole;
            }
            case Tuple tuple -> {
                var items = new ArrayList<Object>(tuple.items().size());
                for (Object item : tuple.items()) {
                    items.add(hashable(item, level + 1, size));
                }
                yield new TupleKey(items);
            }
            case List<?> _, Dict _ -> throw new TemplateException("unhashable type: '" + Values.typeName(key) + "'");
            case Undefined _ -> Undefined.class;
            case String _, Long _, BigInteger _ -> key;
            default -> key;
        };
    }
}
