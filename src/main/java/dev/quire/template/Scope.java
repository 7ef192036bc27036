package dev.quire.template;

import java.util.HashMap;
import java.util.Map;

/// Names that a body of a template sets, over those that it sees. A body that jinja2 gives a scope (a round of a
/// loop, a macro's call, `with`) gets one here; `if` has none.
final class Scope {
    private final Scope outer; // Java's null for the outermost
    private final Map<String, Object> names = new HashMap<>(4);

    Scope(Scope outer) {
        this.outer = outer;
    }

    /// Java's null if the name is not set.
    Object find(String name) {
        for (Scope scope = this; scope != null; scope = scope.outer) {
            Object value = scope.names.get(name);
            if (value != null) {
                return value;
            }
        }
        return null;
    }

    void set(String name, Object value) {
        names.put(name, value);
    }
}
