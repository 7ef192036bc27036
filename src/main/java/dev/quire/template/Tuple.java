package dev.quire.template;

import java.util.List;

/// Python's `tuple`. {@link Comparison} compares by content, `equals` by the list's own.
record Tuple(List<Object> items) {
    static Tuple of(Object... items) {
        return new Tuple(List.of(items));
    }
}
