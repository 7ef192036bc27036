package dev.quire.template;

import dev.quire.template.Macro.Signature;
import dev.quire.template.Statement.Parameter;
import dev.quire.template.Statement.Target;
import dev.quire.template.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/// Reads a template's statements: jinja2's, loop controls, and Transformers' `generation`.
final class Parser {
    private static final Set<String> OTHER_TEMPLATES = Set.of("include", "import", "from", "extends");

    private final TokenStream stream;
    private final ExpressionParser expressions;
    private int loops; // that a `break` here would be in

    private Parser(TokenStream stream) {
        this.stream = stream;
        expressions = new ExpressionParser(stream);
    }

    static List<Statement> parse(String template) {
        var parser = new Parser(new TokenStream(Lexer.tokens(template)));
        return parser.statements(Set.of());
    }

    /// Up to a block whose name is one of `ends`, which becomes the current token; to the end of the template if
    /// that is empty.
    private List<Statement> statements(Set<String> ends) {
        var statements = new ArrayList<Statement>();
        while (true) {
            Token token = stream.current();
            switch (token.kind()) {
                case DATA -> {
                    stream.take();
                    statements.add(new Statement.Text(token.text()));
                }
                case VARIABLE_BEGIN -> {
                    stream.take();
                    Expression value = expressions.tuple(false, true, null);
                    stream.expect(Kind.VARIABLE_END);
                    statements.add(new Statement.Print(value, token.line()));
                }
                case BLOCK_BEGIN -> {
                    stream.take();
                    if (stream.current().kind() == Kind.NAME
                            && ends.contains(stream.current().text())) {
                        return statements;
                    }
                    statements.addAll(statement());
                    stream.expect(Kind.BLOCK_END);
                }
                default -> {
                    if (!ends.isEmpty()) {
                        throw stream.failure("Unexpected end of template. Jinja was looking for the following tags: "
                                + String.join(" or ", ends.stream().sorted().toList()) + ".");
                    }
                    return statements;
                }
            }
        }
    }

    /// The end of a block's tag, its body, and the name that ends it.
    private List<Statement> body(String... ends) {
        stream.skipOperator(":");
        stream.expect(Kind.BLOCK_END);
        return statements(Set.of(ends));
    }

    private List<Statement> bodyTo(String end) {
        List<Statement> body = body(end);
        stream.take();
        return body;
    }

    private List<Statement> statement() {
        if (stream.current().kind() != Kind.NAME) {
            throw stream.failure("tag name expected");
        }
        expressions.enter();
        Token tag = stream.take();
        List<Statement> statements =
                switch (tag.text()) {
                    case "set" -> List.of(set(tag.line()));
                    case "if" -> List.of(condition(tag.line()));
                    case "for" -> List.of(loop(tag.line()));
                    case "macro" -> List.of(macro());
                    case "call" -> List.of(callBlock(tag.line()));
                    case "filter" -> List.of(filterBlock(tag.line()));
                    case "with" -> List.of(with(tag.line()));
                    case "print" -> print(tag.line());
                    case "generation" -> List.of(new Statement.Section(functionBody("endgeneration"), true));
                    case "block" -> List.of(block());
                    case "autoescape" -> List.of(autoescape());
                    case "break" -> List.of(jump(tag, Flow.BREAK));
                    case "continue" -> List.of(jump(tag, Flow.CONTINUE));
                    default -> throw unknown(tag);
                };
        expressions.leave();
        return statements;
    }

    private static TemplateException unknown(Token tag) {
        String message = OTHER_TEMPLATES.contains(tag.text())
                ? "a chat template must not read other templates: tag=" + tag.text()
                : "Encountered unknown tag " + Printer.quoted(tag.text()) + ".";
        return new TemplateException(message).at(tag.line());
    }

    private Statement jump(Token tag, Flow flow) {
        if (loops == 0) {
            throw new TemplateException("'" + tag.text() + "' outside loop").at(tag.line());
        }
        return new Statement.Jump(flow);
    }

    private Statement set(int line) {
        Target target = expressions.target(null, true);
        if (stream.skipOperator("=")) {
            return new Statement.Set(target, expressions.tuple(false, true, null), line);
        }
        var filters = new ArrayList<Expression.Filter>();
        while (stream.skipOperator("|")) {
            filters.add(expressions.filter(new Expression.Captured()));
        }
        return new Statement.Capture(Optional.of(target), filters, bodyTo("endset"), line);
    }

    private Statement filterBlock(int line) {
        var filters = new ArrayList<Expression.Filter>();
        do {
            filters.add(expressions.filter(new Expression.Captured()));
        } while (stream.skipOperator("|"));
        return new Statement.Capture(Optional.empty(), filters, bodyTo("endfilter"), line);
    }

    private Statement condition(int line) {
        var branches = new ArrayList<Statement.Branch>();
        List<Statement> otherwise = List.of();
        int branchLine = line;
        expressions.enterCondition();
        while (true) {
            Expression test = expressions.tuple(false, false, null);
            branches.add(new Statement.Branch(test, body("elif", "else", "endif"), branchLine));
            Token end = stream.take();
            if (end.isName("elif")) {
                branchLine = end.line();
                continue;
            }
            if (end.isName("else")) {
                otherwise = bodyTo("endif");
            }
            break;
        }
        expressions.leaveCondition();
        return new Statement.If(branches, otherwise);
    }

    private Statement loop(int line) {
        Target target = expressions.target("in", false);
        stream.expectName("in");
        if (assigns(target, "loop")) {
            throw new TemplateException("Can't assign to special loop variable in for-loop target").at(line);
        }
        Expression items = expressions.tuple(false, false, "recursive");
        Optional<Expression> test = stream.skipName("if") ? Optional.of(expressions.expression()) : Optional.empty();
        boolean recursive = stream.skipName("recursive");
        loops++;
        List<Statement> body = body("endfor", "else");
        loops--;
        List<Statement> otherwise = stream.take().isName("else") ? bodyTo("endfor") : List.of();
        return new Statement.For(target, items, test, body, otherwise, recursive, line);
    }

    private static boolean assigns(Target target, String name) {
        return switch (target) {
            case Target.Variable variable -> variable.name().equals(name);
            case Target.NamespaceAttribute _ -> false;
            case Target.Several several -> several.targets().stream().anyMatch(one -> assigns(one, name));
        };
    }

    /// A body that is rendered by a call: a loop outside of it cannot be left from there.
    private List<Statement> functionBody(String end) {
        int outside = loops;
        loops = 0;
        List<Statement> body = bodyTo(end);
        loops = outside;
        return body;
    }

    private Statement macro() {
        String name = stream.expect(Kind.NAME).text();
        return macroLike(name, parameters(), "endmacro", Statement.MacroDefinition::new);
    }

    private Statement callBlock(int line) {
        List<Parameter> parameters = stream.current().isOperator("(") ? parameters() : List.of();
        if (!(expressions.expression() instanceof Expression.Call call)) {
            throw new TemplateException("expected call").at(line);
        }
        return macroLike(
                null, parameters, "endcall", (signature, body) -> new Statement.CallBlock(call, signature, body, line));
    }

    private interface MacroMaker {
        Statement make(Signature signature, List<Statement> body);
    }

    private Statement macroLike(String name, List<Parameter> parameters, String end, MacroMaker maker) {
        int callers = expressions.reads("caller");
        int named = expressions.reads("kwargs");
        int more = expressions.reads("varargs");
        List<Statement> body = functionBody(end);
        var signature = new Signature(
                name,
                parameters,
                expressions.reads("caller") > callers,
                expressions.reads("kwargs") > named,
                expressions.reads("varargs") > more);
        return maker.make(signature, body);
    }

    private List<Parameter> parameters() {
        stream.expectOperator("(");
        var parameters = new ArrayList<Parameter>();
        while (!stream.current().isOperator(")")) {
            if (!parameters.isEmpty()) {
                stream.expectOperator(",");
            }
            String name = stream.expect(Kind.NAME).text();
            if (stream.skipOperator("=")) {
                parameters.add(new Parameter(name, Optional.of(expressions.expression())));
            } else if (!parameters.isEmpty() && parameters.getLast().fallback().isPresent()) {
                throw stream.failure("non-default argument follows default argument");
            } else {
                parameters.add(new Parameter(name, Optional.empty()));
            }
        }
        stream.expectOperator(")");
        return parameters;
    }

    private Statement with(int line) {
        var bindings = new ArrayList<Statement.Binding>();
        while (stream.current().kind() != Kind.BLOCK_END) {
            if (!bindings.isEmpty()) {
                stream.expectOperator(",");
            }
            Target target = expressions.target(null, false);
            stream.expectOperator("=");
            bindings.add(new Statement.Binding(target, expressions.expression()));
        }
        return new Statement.With(bindings, bodyTo("endwith"), line);
    }

    private List<Statement> print(int line) {
        var statements = new ArrayList<Statement>();
        while (stream.current().kind() != Kind.BLOCK_END) {
            if (!statements.isEmpty()) {
                stream.expectOperator(",");
            }
            statements.add(new Statement.Print(expressions.expression(), line));
        }
        return statements;
    }

    private Statement block() {
        String name = stream.expect(Kind.NAME).text();
        boolean scoped = stream.skipName("scoped");
        stream.skipName("required");
        List<Statement> body = functionBody("endblock");
        stream.skipName(name);
        return new Statement.Section(body, scoped);
    }

    /// Chat templates are not for HTML: only the setting that changes nothing is taken.
    private Statement autoescape() {
        if (!(expressions.expression() instanceof Expression.Literal literal) || Values.truth(literal.value())) {
            throw stream.failure("autoescape must be false");
        }
        int outside = loops;
        List<Statement> body = bodyTo("endautoescape");
        loops = outside;
        return new Statement.Section(body, true);
    }
}
