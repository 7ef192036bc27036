package dev.quire.template;

import java.util.List;
import java.util.Map;

/// The arguments of one call. Positional ones first, then those with a name, in the order written.
record Arguments(List<Object> positional, Map<String, Object> named) {
    static final Arguments NONE = new Arguments(List.of(), Map.of());

    static Arguments of(Object... positional) {
        return new Arguments(List.of(positional), Map.of());
    }

    int size() {
        return positional.size() + named.size();
    }

    /// Without the first positional argument.
    Arguments rest() {
        return new Arguments(positional.subList(1, positional.size()), named);
    }

    /// The arguments in the order of `names`; Java's null where there is none. The first `required` must be there.
    Object[] bind(String function, int required, String... names) {
        if (positional.size() > names.length) {
            throw new TemplateException(
                    function + "() takes at most " + names.length + " argument(s) (" + positional.size() + " given)");
        }
        var bound = new Object[names.length];
        for (int i = 0; i < positional.size(); i++) {
            bound[i] = positional.get(i);
        }
        for (Map.Entry<String, Object> one : named.entrySet()) {
            int index = List.of(names).indexOf(one.getKey());
            if (index < 0) {
                throw new TemplateException(
                        function + "() got an unexpected keyword argument " + Printer.quoted(one.getKey()));
            }
            if (bound[index] != null) {
                throw new TemplateException(
                        function + "() got multiple values for argument " + Printer.quoted(one.getKey()));
            }
            bound[index] = one.getValue();
        }
        for (int i = 0; i < required; i++) {
            if (bound[i] == null) {
                throw new TemplateException(function + "() missing a required argument: " + Printer.quoted(names[i]));
            }
        }
        return bound;
    }
}
