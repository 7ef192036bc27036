package dev.quire.template;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A part of a template that prints or sets something.
sealed interface Statement {
    Flow execute(Rendering rendering, Scope scope, Output out);

    record Text(String text) implements Statement {
        @Override
        public Flow execute(Rendering rendering, Scope scope, Output out) {
            out.append(text);
            return Flow.ON;
        }
    }

    /// `{{ value }}`.
    record Print(Expression value, int line) implements Statement {
        @Override
        public Flow execute(Rendering rendering, Scope scope, Output out) {
            rendering.line = line;
            out.append(rendering.print(rendering.evaluate(value, scope)));
            return Flow.ON;
        }
    }

    record Branch(Expression test, List<Statement> body, int line) {}

    record If(List<Branch> branches, List<Statement> otherwise) implements Statement {
        @Override
        public Flow execute(Rendering rendering, Scope scope, Output out) {
            for (Branch branch : branches) {
                rendering.line = branch.line;
                if (rendering.holds(branch.test, scope)) {
                    return rendering.execute(branch.body, scope, out);
                }
            }
            return rendering.execute(otherwise, scope, out);
        }
    }

    /// What is set: a name, an attribute of a namespace, or several of these.
    sealed interface Target {
        record Variable(String name) implements Target {}

        record NamespaceAttribute(String namespace, String name) implements Target {}

        record Several(List<Target> targets) implements Target {}

        static void set(Target target, Object value, Rendering rendering, Scope scope) {
            switch (target) {
                case Variable variable -> scope.set(variable.name, value);
                case NamespaceAttribute attribute -> {
                    if (!(scope.find(attribute.namespace) instanceof Namespace namespace)) {
                        throw new TemplateException("cannot assign attribute on non-namespace object");
                    }
                    namespace.set(attribute.name, value);
                }
                case Several several -> {
                    List<Object> values = unpack(value, several.targets.size(), rendering.budget);
                    for (int i = 0; i < values.size(); i++) {
                        set(several.targets.get(i), values.get(i), rendering, scope);
                    }
                }
            }
        }

        private static List<Object> unpack(Object value, int wanted, Budget budget) {
            if (!Values.isIterable(value)) {
                throw new TemplateException("cannot unpack non-iterable " + Values.typeName(value) + " object");
            }
            var values = new ArrayList<Object>(wanted);
            Iterator<Object> items = Values.iterate(value);
            while (items.hasNext()) {
                if (values.size() == wanted) {
                    throw new TemplateException("too many values to unpack (expected " + wanted + ")");
                }
                budget.step();
                values.add(items.next());
            }
            if (values.size() < wanted) {
                throw new TemplateException(
                        "not enough values to unpack (expected " + wanted + ", got " + values.size() + ")");
            }
            return values;
        }
    }

    /// `{% set target = value %}`.
    record Set(Target target, Expression value, int line) implements Statement {
        @Override
        public Flow execute(Rendering rendering, Scope scope, Output out) {
            rendering.line = line;
            Target.set(target, rendering.evaluate(value, scope), rendering, scope);
            return Flow.ON;
        }
    }

    /// `{% set target %}…{% endset %}`, and `{% filter … %}…{% endfilter %}` where there is no target. The first
    /// filter is applied first.
    record Capture(Optional<Target> target, List<Expression.Filter> filters, List<Statement> body, int line)
            implements Statement {
        @Override
        public Flow execute(Rendering rendering, Scope scope, Output out) {
            rendering.line = line;
            var captured = new Output(rendering.budget);
            Flow flow = rendering.execute(body, new Scope(scope), captured);
            if (flow != Flow.ON) {
                return flow;
            }
            Object value = captured.text();
            for (Expression.Filter filter : filters) {
                value = filter.apply(value, rendering, scope);
            }
            if (target.isPresent()) {
                Target.set(target.get(), value, rendering, scope);
            } else {
                out.append(rendering.print(value));
            }
            return Flow.ON;
        }
    }

    record Binding(Target target, Expression value) {}

    /// `{% with a = 1 %}`: values are of the scope outside.
    record With(List<Binding> bindings, List<Statement> body, int line) implements Statement {
        @Override
        public Flow execute(Rendering rendering, Scope scope, Output out) {
            rendering.line = line;
            var inner = new Scope(scope);
            var values = new ArrayList<Object>();
            for (Binding binding : bindings) {
                values.add(rendering.evaluate(binding.value, scope));
            }
            for (int i = 0; i < values.size(); i++) {
                Target.set(bindings.get(i).target, values.get(i), rendering, inner);
            }
            return rendering.execute(body, inner, out);
        }
    }

    record Parameter(String name, Optional<Expression> fallback) {}

    record MacroDefinition(Macro.Signature signature, List<Statement> body) implements Statement {
        @Override
        public Flow execute(Rendering rendering, Scope scope, Output out) {
            scope.set(signature.name(), new Macro(signature, body, scope));
            return Flow.ON;
        }
    }

    /// `{% call(x) macro(…) %}…{% endcall %}`: the macro may call the body as `caller`.
    record CallBlock(Expression.Call call, Macro.Signature signature, List<Statement> body, int line)
            implements Statement {
        @Override
        public Flow execute(Rendering rendering, Scope scope, Output out) {
            rendering.line = line;
            var caller = new Macro(signature, body, scope);
            out.append(rendering.print(call.call(rendering, scope, Map.of("caller", caller))));
            return Flow.ON;
        }
    }

    /// A body with a scope of its own: `{% generation %}`, which marks an assistant's tokens for training only,
    /// and `{% block %}`, which has no other template to replace it.
    record Section(List<Statement> body, boolean seesLocals) implements Statement {
        @Override
        public Flow execute(Rendering rendering, Scope scope, Output out) {
            rendering.execute(body, new Scope(seesLocals ? scope : rendering.globals), out);
            return Flow.ON;
        }
    }

    record Jump(Flow flow) implements Statement {
        @Override
        public Flow execute(Rendering rendering, Scope scope, Output out) {
            return flow;
        }
    }

    /// `{% for target in items if test %}…{% else %}…{% endfor %}`.
    record For(
            Target target,
            Expression items,
            Optional<Expression> test,
            List<Statement> body,
            List<Statement> otherwise,
            boolean recursive,
            int line)
            implements Statement {
        @Override
        public Flow execute(Rendering rendering, Scope scope, Output out) {
            rendering.line = line;
            return run(rendering.evaluate(items, scope), rendering, scope, out, 0);
        }

        private Flow run(Object sequence, Rendering rendering, Scope scope, Output out, int depth) {
            Iterator<Object> iterator = Values.iterate(sequence);
            if (test.isPresent()) {
                iterator = new Selected(iterator, candidate -> passes(candidate, rendering, scope));
            }
            int length = test.isPresent() || sequence instanceof Generator ? -1 : Values.lengthOrNone(sequence);
            var loop = new Loop(
                    iterator,
                    length,
                    depth,
                    recursive
                            ? (inner, level) -> {
                                var nested = new Output(rendering.budget);
                                run(inner, rendering, scope, nested, level);
                                return nested.text();
                            }
                            : null);
            boolean completed = false;
            while (loop.advance()) {
                rendering.budget.step();
                var round = new Scope(scope);
                Target.set(target, loop.current(), rendering, round);
                round.set("loop", loop);
                Flow flow = rendering.execute(body, round, out);
                if (flow == Flow.BREAK) {
                    break;
                }
                // As in jinja2: only a round that reached its end keeps `else` from running.
                completed |= flow == Flow.ON;
            }
            if (!completed && !otherwise.isEmpty()) {
                return rendering.execute(otherwise, new Scope(scope), out);
            }
            return Flow.ON;
        }

        private boolean passes(Object candidate, Rendering rendering, Scope scope) {
            rendering.budget.step();
            var inner = new Scope(scope);
            Target.set(target, candidate, rendering, inner);
            return rendering.holds(test.get(), inner);
        }
    }
}
