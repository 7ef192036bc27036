package dev.quire.template;

/// jinja2's `Undefined`: prints nothing, is false and empty; anything else fails with `message`.
record Undefined(String message) {
    static Undefined name(String name) {
        return new Undefined("'" + name + "' is undefined");
    }

    /// What `object` does not have.
    static Undefined member(Object object, Object name) {
        String type = Values.describe(object);
        return new Undefined(
                name instanceof String text
                        ? "'" + type + "' has no attribute " + Printer.quoted(text)
                        : type + " has no element " + Printer.shortened(name));
    }

    /// What the sandbox does not give away.
    static Undefined unsafe(Object object, String name) {
        return new Undefined("access to attribute " + Printer.quoted(name) + " of '" + Values.typeName(object)
                + "' object is unsafe.");
    }

    TemplateException failure() {
        return new TemplateException(message);
    }
}
