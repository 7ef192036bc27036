package dev.quire.template;

/// A global function, or a method bound to its object. `type` is Python's name of what it is.
record Function(String name, String type, Callable code) implements Callable {
    static Function method(String name, Callable code) {
        return new Function(name, "builtin_function_or_method", code);
    }

    @Override
    public Object call(Rendering rendering, Arguments arguments) {
        return code.call(rendering, arguments);
    }
}
