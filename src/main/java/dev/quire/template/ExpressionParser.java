package dev.quire.template;

import dev.quire.template.Expression.CallArguments;
import dev.quire.template.Statement.Target;
import dev.quire.template.Token.Kind;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Reads expressions, with jinja2's grammar and precedence: `if else`, `or`, `and`, `not`, comparisons, `+ -`,
/// `~`, `* / // %`, `**` (from the left), signs, then `.` `[]` `()`, filters and tests.
final class ExpressionParser {
    /// Nested expressions and statements; each takes up to 15 frames of the parser.
    private static final int DEEPEST = 150;

    private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");

    private final TokenStream stream;
    private final Map<String, Integer> reads = new HashMap<>(); // how often a name was read so far
    private int depth;
    private int conditions; // how many bodies that may never run are open

    ExpressionParser(TokenStream stream) {
        this.stream = stream;
    }

    /// How often `name` has been read so far: two calls tell whether a body between them reads it.
    int reads(String name) {
        return reads.getOrDefault(name, 0);
    }

    void enter() {
        if (++depth > DEEPEST) {
            throw stream.failure("nesting must not be deeper: deepest=" + DEEPEST);
        }
    }

    void leave() {
        depth--;
    }

    /// Within a condition's body an unknown filter or test fails only when it is used, else at once.
    void enterCondition() {
        conditions++;
    }

    void leaveCondition() {
        conditions--;
    }

    Expression expression() {
        return conditional();
    }

    private Expression conditional() {
        enter();
        int line = stream.line();
        Expression value = or();
        while (stream.skipName("if")) {
            enterCondition();
            Expression test = or();
            Optional<Expression> otherwise = stream.skipName("else") ? Optional.of(conditional()) : Optional.empty();
            leaveCondition();
            value = new Expression.Conditional(test, value, otherwise, line);
            line = stream.line();
        }
        leave();
        return value;
    }

    private Expression or() {
        Expression left = and();
        while (stream.skipName("or")) {
            left = new Expression.Or(left, and());
        }
        return left;
    }

    private Expression and() {
        Expression left = not();
        while (stream.skipName("and")) {
            left = new Expression.And(left, not());
        }
        return left;
    }

    private Expression not() {
        if (!stream.skipName("not")) {
            return comparison();
        }
        enter();
        var not = new Expression.Not(not());
        leave();
        return not;
    }

    private Expression comparison() {
        Expression first = sum();
        var operands = new ArrayList<Expression.Operand>();
        while (true) {
            Token token = stream.current();
            if (token.kind() == Kind.OPERATOR && COMPARISONS.contains(token.text())) {
                stream.take();
                operands.add(new Expression.Operand(token.text(), sum()));
            } else if (stream.skipName("in")) {
                operands.add(new Expression.Operand("in", sum()));
            } else if (token.isName("not") && stream.following().isName("in")) {
                stream.take();
                stream.take();
                operands.add(new Expression.Operand("not in", sum()));
            } else {
                return operands.isEmpty() ? first : new Expression.Compare(first, operands);
            }
        }
    }

    private Expression sum() {
        Expression left = concat();
        while (stream.current().isOperator("+") || stream.current().isOperator("-")) {
            String operator = stream.take().text();
            left = new Expression.Binary(operator, left, concat());
        }
        return left;
    }

    private Expression concat() {
        Expression first = product();
        if (!stream.current().isOperator("~")) {
            return first;
        }
        var parts = new ArrayList<Expression>();
        parts.add(first);
        while (stream.skipOperator("~")) {
            parts.add(product());
        }
        return new Expression.Concat(parts);
    }

    private Expression product() {
        Expression left = power();
        while (true) {
            Token token = stream.current();
            boolean is =
                    token.isOperator("*") || token.isOperator("/") || token.isOperator("//") || token.isOperator("%");
            if (!is) {
                return left;
            }
            stream.take();
            left = new Expression.Binary(token.text(), left, power());
        }
    }

    private Expression power() {
        Expression left = unary(true);
        while (stream.skipOperator("**")) {
            left = new Expression.Binary("**", left, unary(true));
        }
        return left;
    }

    private Expression unary(boolean takesFilters) {
        enter();
        Expression value;
        if (stream.skipOperator("-")) {
            value = new Expression.Negative(unary(false));
        } else if (stream.skipOperator("+")) {
            value = new Expression.Positive(unary(false));
        } else {
            value = primary();
        }
        value = postfix(value);
        if (takesFilters) {
            value = filtersAndTests(value);
        }
        leave();
        return value;
    }

    private Expression primary() {
        Token token = stream.take();
        switch (token.kind()) {
            case NAME -> {
                return constantOrName(token);
            }
            case STRING -> {
                var text = new StringBuilder((String) token.value());
                while (stream.current().kind() == Kind.STRING) {
                    text.append((String) stream.take().value());
                }
                return new Expression.Literal(text.toString());
            }
            case INTEGER, FLOAT -> {
                return new Expression.Literal(token.value());
            }
            case OPERATOR -> {
                switch (token.text()) {
                    case "(" -> {
                        Expression inner = tuple(true, true, null);
                        stream.expectOperator(")");
                        return inner;
                    }
                    case "[" -> {
                        return list();
                    }
                    case "{" -> {
                        return dict();
                    }
                    default -> throw unexpected(token);
                }
            }
            default -> throw unexpected(token);
        }
    }

    private static TemplateException unexpected(Token token) {
        return new TemplateException("unexpected '" + token.described() + "'").at(token.line());
    }

    private Expression constantOrName(Token token) {
        return switch (token.text()) {
            case "true", "True" -> new Expression.Literal(true);
            case "false", "False" -> new Expression.Literal(false);
            case "none", "None" -> new Expression.Literal(None.NONE);
            default -> {
                reads.merge(token.text(), 1, Integer::sum);
                yield new Expression.Name(token.text());
            }
        };
    }

    /// One expression, or several with commas. `end` is a name that ends it, Java's null if there is none.
    Expression tuple(boolean inParentheses, boolean takesCondition, String end) {
        var items = new ArrayList<Expression>();
        boolean isTuple = false;
        while (!isTupleEnd(end)) {
            items.add(takesCondition ? conditional() : or());
            if (!stream.skipOperator(",")) {
                break;
            }
            isTuple = true;
        }
        if (!isTuple && items.size() == 1) {
            return items.get(0);
        }
        if (!isTuple && !inParentheses) {
            throw stream.failure(
                    "Expected an expression, got '" + stream.current().described() + "'");
        }
        return new Expression.TupleLiteral(items);
    }

    private boolean isTupleEnd(String end) {
        Token token = stream.current();
        return token.kind() == Kind.VARIABLE_END
                || token.kind() == Kind.BLOCK_END
                || token.isOperator(")")
                || end != null && token.isName(end);
    }

    private Expression list() {
        var items = new ArrayList<Expression>();
        while (!stream.current().isOperator("]")) {
            if (!items.isEmpty()) {
                stream.expectOperator(",");
                if (stream.current().isOperator("]")) {
                    break;
                }
            }
            items.add(expression());
        }
        stream.expectOperator("]");
        return new Expression.ListLiteral(items);
    }

    private Expression dict() {
        var pairs = new ArrayList<Expression.Pair>();
        while (!stream.current().isOperator("}")) {
            if (!pairs.isEmpty()) {
                stream.expectOperator(",");
                if (stream.current().isOperator("}")) {
                    break;
                }
            }
            Expression key = expression();
            stream.expectOperator(":");
            pairs.add(new Expression.Pair(key, expression()));
        }
        stream.expectOperator("}");
        return new Expression.DictLiteral(pairs);
    }

    private Expression postfix(Expression value) {
        Expression result = value;
        while (true) {
            Token token = stream.current();
            if (token.isOperator(".")) {
                result = attribute(result);
            } else if (token.isOperator("[")) {
                result = subscript(result);
            } else if (token.isOperator("(")) {
                result = new Expression.Call(result, arguments(), token.line());
            } else {
                return result;
            }
        }
    }

    private Expression filtersAndTests(Expression value) {
        Expression result = value;
        while (true) {
            Token token = stream.current();
            if (token.isOperator("|")) {
                stream.take();
                result = filter(result);
            } else if (token.isName("is")) {
                stream.take();
                result = test(result, token.line());
            } else if (token.isOperator("(")) {
                result = new Expression.Call(result, arguments(), token.line());
            } else {
                return result;
            }
        }
    }

    private Expression attribute(Expression object) {
        int line = stream.take().line();
        Token name = stream.take();
        return switch (name.kind()) {
            case NAME -> new Expression.Attribute(object, name.text(), line);
            case INTEGER -> new Expression.Item(object, new Expression.Literal(name.value()), line);
            default -> throw new TemplateException("expected name or number").at(name.line());
        };
    }

    private Expression subscript(Expression object) {
        int line = stream.take().line();
        var keys = new ArrayList<Expression>();
        while (!stream.current().isOperator("]")) {
            if (!keys.isEmpty()) {
                stream.expectOperator(",");
            }
            Optional<Expression> start =
                    stream.current().isOperator(":") ? Optional.empty() : Optional.of(expression());
            if (stream.skipOperator(":")) {
                return slice(object, start, line);
            }
            keys.add(start.orElseThrow());
        }
        stream.expectOperator("]");
        return new Expression.Item(object, keys.size() == 1 ? keys.get(0) : new Expression.TupleLiteral(keys), line);
    }

    private Expression slice(Expression object, Optional<Expression> start, int line) {
        Optional<Expression> stop = bound();
        Optional<Expression> step = stream.skipOperator(":") ? bound() : Optional.empty();
        stream.expectOperator("]");
        return new Expression.Slice(object, start, stop, step, line);
    }

    private Optional<Expression> bound() {
        boolean isAbsent = stream.current().isOperator(":") || stream.current().isOperator("]");
        return isAbsent ? Optional.empty() : Optional.of(expression());
    }

    private CallArguments arguments() {
        int line = stream.line();
        stream.expectOperator("(");
        var positional = new ArrayList<Expression>();
        var named = new ArrayList<Expression.Keyword>();
        Optional<Expression> more = Optional.empty();
        Optional<Expression> moreNamed = Optional.empty();
        boolean first = true;
        while (!stream.current().isOperator(")")) {
            if (!first) {
                stream.expectOperator(",");
                if (stream.current().isOperator(")")) {
                    break;
                }
            }
            first = false;
            Token token = stream.current();
            boolean isNamed = token.kind() == Kind.NAME && stream.following().isOperator("=");
            boolean inOrder = moreNamed.isEmpty()
                    && (isNamed || token.isOperator("**") || more.isEmpty())
                    && (isNamed || token.isOperator("*") || token.isOperator("**") || named.isEmpty());
            if (!inOrder) {
                throw new TemplateException("invalid syntax for function call expression").at(line);
            }
            if (stream.skipOperator("*")) {
                more = Optional.of(expression());
            } else if (stream.skipOperator("**")) {
                moreNamed = Optional.of(expression());
            } else if (isNamed) {
                stream.take();
                stream.take();
                named.add(new Expression.Keyword(token.text(), expression()));
            } else {
                positional.add(expression());
            }
        }
        stream.expectOperator(")");
        return new CallArguments(positional, named, more, moreNamed);
    }

    Expression.Filter filter(Expression value) {
        Token token = stream.current();
        String name = dottedName();
        CallArguments given = stream.current().isOperator("(") ? arguments() : CallArguments.NONE;
        if (conditions == 0 && !Filters.isKnown(name)) {
            throw new TemplateException("No filter named " + Printer.quoted(name) + ".").at(token.line());
        }
        return new Expression.Filter(value, name, given, token.line());
    }

    private String dottedName() {
        var name = new StringBuilder(stream.expect(Kind.NAME).text());
        while (stream.skipOperator(".")) {
            name.append('.').append(stream.expect(Kind.NAME).text());
        }
        return name.toString();
    }

    private Expression test(Expression value, int line) {
        boolean negated = stream.skipName("not");
        String name = dottedName();
        CallArguments given = CallArguments.NONE;
        Token token = stream.current();
        boolean isOperand =
                switch (token.kind()) {
                    case STRING, INTEGER, FLOAT -> true;
                    case NAME -> !token.isName("else") && !token.isName("or") && !token.isName("and");
                    default -> token.isOperator("[") || token.isOperator("{");
                };
        if (token.isOperator("(")) {
            given = arguments();
        } else if (isOperand) {
            if (token.isName("is")) {
                throw stream.failure("You cannot chain multiple tests with is");
            }
            enter();
            given = new CallArguments(List.of(postfix(primary())), List.of(), Optional.empty(), Optional.empty());
            leave();
        }
        if (conditions == 0 && !Tests.isKnown(name)) {
            throw new TemplateException("No test named " + Printer.quoted(name) + ".").at(line);
        }
        var test = new Expression.Test(value, name, given, line);
        return negated ? new Expression.Not(test) : test;
    }

    /// What `set`, `for` and `with` assign to. `end` as in {@link #tuple}.
    Target target(String end, boolean takesAttributes) {
        enter();
        var targets = new ArrayList<Target>();
        boolean isTuple = false;
        while (!isTupleEnd(end)) {
            targets.add(oneTarget(takesAttributes));
            if (!stream.skipOperator(",")) {
                break;
            }
            isTuple = true;
        }
        leave();
        if (!isTuple && targets.isEmpty()) {
            throw stream.failure(
                    "Expected an expression, got '" + stream.current().described() + "'");
        }
        return isTuple ? new Target.Several(targets) : targets.get(0);
    }

    private Target oneTarget(boolean takesAttributes) {
        Token token = stream.take();
        if (token.isOperator("(")) {
            Target inner = target(null, takesAttributes);
            stream.expectOperator(")");
            return inner;
        }
        boolean constant =
                Set.of("true", "false", "none", "True", "False", "None").contains(token.text());
        if (token.kind() != Kind.NAME || constant) {
            throw new TemplateException("can't assign to '" + token.described() + "'").at(token.line());
        }
        if (takesAttributes && stream.skipOperator(".")) {
            reads.merge(token.text(), 1, Integer::sum);
            return new Target.NamespaceAttribute(
                    token.text(), stream.expect(Kind.NAME).text());
        }
        return new Target.Variable(token.text());
    }
}
