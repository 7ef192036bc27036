package dev.quire.template;

import java.util.LinkedHashMap;
import java.util.Map;

/// What `namespace()` makes: the one value that a template may change.
final class Namespace {
    private final Map<String, Object> attributes = new LinkedHashMap<>();

    /// Java's null if there is none.
    Object get(String name) {
        return attributes.get(name);
    }

    void set(String name, Object value) {
        if (name.startsWith("_")) {
            throw new TemplateException(
                    "Chat templates cannot store underscore-prefixed attributes on a namespace, but got "
                            + Printer.quoted(name) + ". Please rename the attribute.");
        }
        attributes.put(name, value);
    }

    Map<String, Object> attributes() {
        return attributes;
    }
}
