package dev.quire.template;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// A part of a template that has a value.
sealed interface Expression {
    Object evaluate(Rendering rendering, Scope scope);

    record Literal(Object value) implements Expression {
        @Override
        public Object evaluate(Rendering rendering, Scope scope) {
            return value;
        }
    }

    record Name(String name) implements Expression {
        @Override
        public Object evaluate(Rendering rendering, Scope scope) {
            Object value = scope.find(name);
            return value == null ? Undefined.name(name) : value;
        }
    }

    record ListLiteral(List<Expression> items) implements Expression {
        @Override
        public Object evaluate(Rendering rendering, Scope scope) {
            return Expression.all(items, rendering, scope);
        }
    }

    record TupleLiteral(List<Expression> items) implements Expression {
        @Override
        public Object evaluate(Rendering rendering, Scope scope) {
            return new Tuple(Expression.all(items, rendering, scope));
        }
    }

    record Pair(Expression key, Expression value) {}

    record DictLiteral(List<Pair> pairs) implements Expression {
        @Override
        public Object evaluate(Rendering rendering, Scope scope) {
            rendering.budget.items(pairs.size());
            var dict = new Dict();
            for (Pair pair : pairs) {
                Object key = rendering.evaluate(pair.key, scope);
                dict.put(key, rendering.evaluate(pair.value, scope));
            }
            return dict;
        }
    }

    /// `whenFalse` is empty where there is no `else`.
    record Conditional(Expression test, Expression whenTrue, Optional<Expression> whenFalse, int line)
            implements Expression {
        @Override
        public Object evaluate(Rendering rendering, Scope scope) {
            if (rendering.holds(test, scope)) {
                return rendering.evaluate(whenTrue, scope);
            }
            if (whenFalse.isPresent()) {
                return rendering.evaluate(whenFalse.get(), scope);
            }
            return new Undefined("the inline if-expression on line " + line
                    + " evaluated to false and no else section was defined.");
        }
    }

    record And(Expression left, Expression right) implements Expression {
        @Override
        public Object evaluate(Rendering rendering, Scope scope) {
            Object value = rendering.evaluate(left, scope);
            return Values.truth(value) ? rendering.evaluate(right, scope) : value;
        }
    }

    record Or(Expression left, Expression right) implements Expression {
        @Override
        public Object evaluate(Rendering rendering, Scope scope) {
            Object value = rendering.evaluate(left, scope);
            return Values.truth(value) ? value : rendering.evaluate(right, scope);
        }
    }

    record Not(Expression operand) implements Expression {
        @Override
        public Object evaluate(Rendering rendering, Scope scope) {
            return !rendering.holds(operand, scope);
        }
    }

    record Negative(Expression operand) implements Expression {
        @Override
        public Object evaluate(Rendering rendering, Scope scope) {
            return Arithmetic.negate(rendering.evaluate(operand, scope));
        }
    }

    record Positive(Expression operand) implements Expression {
        @Override
        public Object evaluate(Rendering rendering, Scope scope) {
            return Arithmetic.positive(rendering.evaluate(operand, scope));
        }
    }

    record Binary(String operator, Expression left, Expression right) implements Expression {
        @Override
        public Object evaluate(Rendering rendering, Scope scope) {
            Object one = rendering.evaluate(left, scope);
            Object two = rendering.evaluate(right, scope);
            return Arithmetic.apply(operator, one, two, rendering);
        }
    }

    record Operand(String operator, Expression value) {}

    /// `first < second <= third`: each operand once, up to the first that fails.
    record Compare(Expression first, List<Operand> operands) implements Expression {
        @Override
        public Object evaluate(Rendering rendering, Scope scope) {
            Object left = rendering.evaluate(first, scope);
            for (Operand operand : operands) {
                Object right = rendering.evaluate(operand.value, scope);
                if (!holds(operand.operator, left, right, rendering.budget)) {
                    return false;
                }
                left = right;
            }
            return true;
        }

        static boolean holds(String operator, Object left, Object right, Budget budget) {
            return switch (operator) {
                case "==" -> Comparison.equal(left, right, budget);
                case "!=" -> !Comparison.equal(left, right, budget);
                case "in" -> Values.contains(right, left, budget);
                case "not in" -> !Values.contains(right, left, budget);
                default -> Comparison.holds(left, right, operator, budget);
            };
        }
    }

    /// `a ~ b ~ c`: text, also of markup, because nothing is escaped by itself.
    record Concat(List<Expression> parts) implements Expression {
        @Override
        public Object evaluate(Rendering rendering, Scope scope) {
            List<Object> values = Expression.all(parts, rendering, scope);
            var text = new StringBuilder();
            for (Object value : values) {
                String part = rendering.print(value);
                rendering.budget.grow(text.length(), part.length());
                text.append(part);
            }
            return text.toString();
        }
    }

    record Attribute(Expression object, String name, int line) implements Expression {
        @Override
        public Object evaluate(Rendering rendering, Scope scope) {
            Object value = rendering.evaluate(object, scope);
            rendering.line = line;
            return Members.attribute(value, name, rendering);
        }
    }

    record Item(Expression object, Expression key, int line) implements Expression {
        @Override
        public Object evaluate(Rendering rendering, Scope scope) {
            Object value = rendering.evaluate(object, scope);
            Object index = rendering.evaluate(key, scope);
            rendering.line = line;
            return Members.item(value, index, rendering);
        }
    }

    record Slice(
            Expression object,
            Optional<Expression> start,
            Optional<Expression> stop,
            Optional<Expression> step,
            int line)
            implements Expression {
        @Override
        public Object evaluate(Rendering rendering, Scope scope) {
            Object value = rendering.evaluate(object, scope);
            Object from = bound(start, rendering, scope);
            Object to = bound(stop, rendering, scope);
            Object by = bound(step, rendering, scope);
            rendering.line = line;
            return Slices.slice(value, from, to, by, rendering.budget);
        }

        private static Object bound(Optional<Expression> bound, Rendering rendering, Scope scope) {
            return bound.isPresent() ? rendering.evaluate(bound.get(), scope) : None.NONE;
        }
    }

    record Call(Expression callee, CallArguments arguments, int line) implements Expression {
        @Override
        public Object evaluate(Rendering rendering, Scope scope) {
            return call(rendering, scope, Map.of());
        }

        /// With `more` named arguments.
        Object call(Rendering rendering, Scope scope, Map<String, Object> more) {
            Object function = rendering.evaluate(callee, scope);
            Arguments given = arguments.evaluate(rendering, scope, more);
            rendering.line = line;
            Object result = rendering.call(function, given);
            rendering.line = line;
            return result;
        }
    }

    /// `value|name(…)`.
    record Filter(Expression value, String name, CallArguments arguments, int line) implements Expression {
        @Override
        public Object evaluate(Rendering rendering, Scope scope) {
            return apply(rendering.evaluate(value, scope), rendering, scope);
        }

        Object apply(Object input, Rendering rendering, Scope scope) {
            Arguments given = arguments.evaluate(rendering, scope, Map.of());
            rendering.line = line;
            return Filters.apply(name, input, given, rendering);
        }
    }

    /// What the filter of a block is given: the block's text stands for it.
    record Captured() implements Expression {
        @Override
        public Object evaluate(Rendering rendering, Scope scope) {
            throw new IllegalStateException("the text of a block must be given to its filter directly");
        }
    }

    /// `value is name(…)`.
    record Test(Expression value, String name, CallArguments arguments, int line) implements Expression {
        @Override
        public Object evaluate(Rendering rendering, Scope scope) {
            Object input = rendering.evaluate(value, scope);
            Arguments given = arguments.evaluate(rendering, scope, Map.of());
            rendering.line = line;
            return Tests.holds(name, input, given, rendering);
        }
    }

    record Keyword(String name, Expression value) {}

    /// Arguments as written: `(positional, name=value, *more, **named)`.
    record CallArguments(
            List<Expression> positional,
            List<Keyword> named,
            Optional<Expression> morePositional,
            Optional<Expression> moreNamed) {
        static final CallArguments NONE = new CallArguments(List.of(), List.of(), Optional.empty(), Optional.empty());

        Arguments evaluate(Rendering rendering, Scope scope, Map<String, Object> more) {
            List<Object> values = Expression.all(positional, rendering, scope);
            Map<String, Object> keywords = named.isEmpty() && more.isEmpty() ? Map.of() : new LinkedHashMap<>();
            for (Keyword keyword : named) {
                Object before = keywords.put(keyword.name, rendering.evaluate(keyword.value, scope));
                if (before != null) {
                    throw new TemplateException("keyword argument repeated: " + keyword.name);
                }
            }
            if (morePositional.isPresent()) {
                values.addAll(Values.list(rendering.evaluate(morePositional.get(), scope), rendering.budget));
            }
            if (moreNamed.isPresent()) {
                keywords = new LinkedHashMap<>(keywords);
                addNamed(rendering.evaluate(moreNamed.get(), scope), keywords);
            }
            for (Map.Entry<String, Object> one : more.entrySet()) {
                keywords.put(one.getKey(), one.getValue());
            }
            return new Arguments(values, keywords);
        }

        private static void addNamed(Object value, Map<String, Object> keywords) {
            if (!(value instanceof Dict dict)) {
                Values.refuse(value);
                throw new TemplateException("argument after ** must be a mapping, not " + Values.typeName(value));
            }
            for (Object key : dict.keys()) {
                String name = Values.textOrNull(key);
                if (name == null) {
                    throw new TemplateException("keywords must be strings");
                }
                if (keywords.put(name, dict.get(key)) != null) {
                    throw new TemplateException("got multiple values for keyword argument " + Printer.quoted(name));
                }
            }
        }
    }

    private static List<Object> all(List<Expression> expressions, Rendering rendering, Scope scope) {
        rendering.budget.items(expressions.size());
        var values = new ArrayList<Object>(expressions.size());
        for (Expression expression : expressions) {
            values.add(rendering.evaluate(expression, scope));
        }
        return values;
    }
}
