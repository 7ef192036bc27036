package dev.quire.template;

/// What a template may call.
interface Callable {
    Object call(Rendering rendering, Arguments arguments);
}
