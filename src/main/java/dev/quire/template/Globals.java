package dev.quire.template;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// The functions that every template sees: jinja2's, as Transformers changes them, and Transformers' own.
final class Globals {
    private Globals() {}

    static Scope scope() {
        var globals = new Scope(null);
        globals.set("range", new Function("range", "function", Globals::range));
        globals.set("dict", new DictType());
        globals.set("namespace", new Function("namespace", "type", Globals::namespace));
        globals.set("cycler", new Function("cycler", "type", (_, arguments) -> new Cycler(arguments)));
        globals.set("joiner", new Function("joiner", "type", (_, arguments) -> new Joiner(arguments)));
        globals.set("raise_exception", new Function("raise_exception", "function", Globals::raise));
        globals.set("strftime_now", new Function("strftime_now", "function", (rendering, arguments) -> {
            String format = Values.requireText(arguments.bind("strftime_now", 1, "format")[0], "strftime");
            return Strftime.format(format, rendering.now.get());
        }));
        return globals;
    }

    private static Object raise(Rendering rendering, Arguments arguments) {
        Object message = arguments.bind("raise_exception", 1, "message")[0];
        throw TemplateException.raised(rendering.print(message));
    }

    private static Object range(Rendering rendering, Arguments arguments) {
        List<Object> bounds = arguments.positional();
        if (bounds.isEmpty() || bounds.size() > 3 || !arguments.named().isEmpty()) {
            throw new TemplateException("range expected 1 to 3 arguments, got " + arguments.size());
        }
        long[] whole = new long[bounds.size()];
        for (int i = 0; i < whole.length; i++) {
            Object bound = Numbers.orNull(bounds.get(i));
            if (bound == null || bound instanceof Double) {
                Values.refuse(bounds.get(i));
                throw new TemplateException(
                        "'" + Values.typeName(bounds.get(i)) + "' object cannot be interpreted as an integer");
            }
            whole[i] = bound instanceof Long small ? small : Numbers.big(bound).signum() * (1L << 62);
        }
        return whole.length == 1
                ? Range.checked(0, whole[0], 1)
                : Range.checked(whole[0], whole[1], whole.length == 3 ? whole[2] : 1);
    }

    private static Object namespace(Rendering rendering, Arguments arguments) {
        var namespace = new Namespace();
        Dict attributes = dict(rendering, arguments);
        for (Object key : attributes.keys()) {
            namespace.set(Values.requireText(key, "namespace"), attributes.get(key));
        }
        return namespace;
    }

    private static Dict dict(Rendering rendering, Arguments arguments) {
        if (arguments.positional().size() > 1) {
            throw new TemplateException("dict expected at most 1 argument, got "
                    + arguments.positional().size());
        }
        Dict dict = arguments.positional().isEmpty()
                ? new Dict()
                : copied(arguments.positional().get(0), rendering.budget);
        for (Map.Entry<String, Object> one : arguments.named().entrySet()) {
            dict.put(one.getKey(), one.getValue());
        }
        rendering.budget.items(dict.size());
        return dict;
    }

    /// Of a dictionary or of pairs.
    private static Dict copied(Object value, Budget budget) {
        if (value instanceof Dict other) {
            budget.items(other.size());
            return new Dict(other);
        }
        var dict = new Dict();
        for (Object pair : Values.list(value, budget)) {
            List<Object> both = Values.list(pair, budget);
            if (both.size() != 2) {
                throw new TemplateException(
                        "dictionary update sequence element has length " + both.size() + "; 2 is required");
            }
            dict.put(both.get(0), both.get(1));
        }
        return dict;
    }

    static Object dictFromKeys(Rendering rendering, Arguments arguments) {
        Object[] bound = arguments.bind("fromkeys", 1, "iterable", "value");
        var dict = new Dict();
        for (Object key : Values.list(bound[0], rendering.budget)) {
            dict.put(key, bound[1] == null ? None.NONE : bound[1]);
        }
        return dict;
    }

    /// `dict`, which has a method of its own.
    record DictType() implements Callable {
        @Override
        public Object call(Rendering rendering, Arguments arguments) {
            return dict(rendering, arguments);
        }
    }

    /// `cycler(…)`: one value after the other.
    static final class Cycler {
        private final List<Object> items;
        private int next;

        Cycler(Arguments arguments) {
            items = arguments.positional();
            if (items.isEmpty()) {
                throw new TemplateException("at least one item has to be provided");
            }
        }

        Object member(String name) {
            return switch (name) {
                case "current" -> items.get(next);
                case "items" -> new Tuple(new ArrayList<>(items));
                case "pos" -> (long) next;
                case "next" ->
                    Function.method(name, (_, _) -> {
                        Object item = items.get(next);
                        next = (next + 1) % items.size();
                        return item;
                    });
                case "reset" ->
                    Function.method(name, (_, _) -> {
                        next = 0;
                        return None.NONE;
                    });
                default -> null;
            };
        }
    }

    /// `joiner(…)`: nothing at its first call, its separator from then on.
    static final class Joiner implements Callable {
        private final Object separator;
        private boolean used;

        Joiner(Arguments arguments) {
            Object[] bound = arguments.bind("joiner", 0, "sep");
            separator = bound[0] == null ? ", " : bound[0];
        }

        @Override
        public Object call(Rendering rendering, Arguments arguments) {
            Object printed = used ? separator : "";
            used = true;
            return printed;
        }
    }
}
