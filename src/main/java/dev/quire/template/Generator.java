package dev.quire.template;

import java.util.Iterator;
import java.util.List;

/// What Python gives out once: a generator or an iterator. Its elements are made when it is, so that no chain of
/// generators nests.
final class Generator implements Iterator<Object> {
    private final String type;
    private final Iterator<Object> items;

    private Generator(String type, Iterator<Object> items) {
        this.type = type;
        this.items = items;
    }

    static Generator of(List<Object> items) {
        return new Generator("generator", items.iterator());
    }

    static Generator reversed(String type, List<Object> items) {
        return new Generator(type, items.reversed().iterator());
    }

    String type() {
        return type;
    }

    @Override
    public boolean hasNext() {
        return items.hasNext();
    }

    @Override
    public Object next() {
        return items.next();
    }
}
