package dev.quire.template;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A macro with the scope that it was defined in.
record Macro(Signature signature, List<Statement> body, Scope scope) implements Callable {
    /// - `name`: Java's null for the body of a `call` block
    /// - `takesCaller`, `takesNamed`, `takesMore`: whether the body reads `caller`, `kwargs`, `varargs`, which are
    ///   then filled with what no parameter takes
    record Signature(
            String name,
            List<Statement.Parameter> parameters,
            boolean takesCaller,
            boolean takesNamed,
            boolean takesMore) {
        boolean has(String parameter) {
            return parameters.stream().anyMatch(one -> one.name().equals(parameter));
        }
    }

    String name() {
        return signature.name;
    }

    /// An attribute, Java's null if there is none of that name.
    Object member(String attribute) {
        return switch (attribute) {
            case "name" -> signature.name == null ? None.NONE : signature.name;
            case "arguments" ->
                new Tuple(new ArrayList<>(signature.parameters.stream()
                        .map(Statement.Parameter::name)
                        .toList()));
            case "catch_kwargs" -> signature.takesNamed;
            case "catch_varargs" -> signature.takesMore;
            case "caller" -> signature.takesCaller;
            default -> null;
        };
    }

    @Override
    public Object call(Rendering rendering, Arguments arguments) {
        Map<String, Object> named = new LinkedHashMap<>(arguments.named());
        var inner = new Scope(scope);
        List<Statement.Parameter> parameters = signature.parameters;
        List<Object> positional = arguments.positional();
        var given = new ArrayList<Object>();
        for (int i = 0; i < parameters.size(); i++) {
            given.add(
                    i < positional.size()
                            ? positional.get(i)
                            : named.remove(parameters.get(i).name()));
        }
        if (signature.takesCaller && !signature.has("caller")) {
            Object caller = named.remove("caller");
            inner.set("caller", caller == null ? new Undefined("No caller defined") : caller);
        }
        if (signature.takesNamed && !signature.has("kwargs")) {
            var dict = new Dict();
            named.forEach(dict::put);
            inner.set("kwargs", dict);
        } else if (!named.isEmpty()) {
            throw new TemplateException("macro " + described() + " takes no keyword argument "
                    + Printer.quoted(named.keySet().iterator().next()));
        }
        if (signature.takesMore && !signature.has("varargs")) {
            int taken = Math.min(parameters.size(), positional.size());
            inner.set("varargs", new Tuple(positional.subList(taken, positional.size())));
        } else if (positional.size() > parameters.size()) {
            throw new TemplateException(
                    "macro " + described() + " takes not more than " + parameters.size() + " argument(s)");
        }
        setParameters(given, inner, rendering);
        return rendering.capture(body, inner);
    }

    /// A default may use the parameters before it.
    private void setParameters(List<Object> given, Scope inner, Rendering rendering) {
        for (int i = 0; i < given.size(); i++) {
            Statement.Parameter parameter = signature.parameters.get(i);
            Object value = given.get(i);
            if (value == null && parameter.fallback().isPresent()) {
                value = rendering.evaluate(parameter.fallback().get(), inner);
            }
            inner.set(
                    parameter.name(),
                    value == null ? new Undefined("parameter '" + parameter.name() + "' was not provided") : value);
        }
    }

    private String described() {
        return signature.name == null ? "None" : Printer.quoted(signature.name);
    }
}
