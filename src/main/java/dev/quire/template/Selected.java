package dev.quire.template;

import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.function.Predicate;

/// The elements that pass, found when they are asked for: a loop's condition may depend on what its body did.
final class Selected implements Iterator<Object> {
    private final Iterator<Object> items;
    private final Predicate<Object> passes;
    private Object next; // Java's null when not known

    Selected(Iterator<Object> items, Predicate<Object> passes) {
        this.items = items;
        this.passes = passes;
    }

    @Override
    public boolean hasNext() {
        while (next == null && items.hasNext()) {
            Object candidate = items.next();
            if (passes.test(candidate)) {
                next = candidate;
            }
        }
        return next != null;
    }

    @Override
    public Object next() {
        if (!hasNext()) {
            throw new NoSuchElementException();
        }
        Object item = next;
        next = null;
        return item;
    }
}
