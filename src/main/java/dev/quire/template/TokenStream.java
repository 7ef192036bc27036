package dev.quire.template;

import dev.quire.template.Token.Kind;
import java.util.List;

/// The tokens of a template and the one that is next.
final class TokenStream {
    private final List<Token> tokens;
    private int next;

    TokenStream(List<Token> tokens) {
        this.tokens = tokens;
    }

    Token current() {
        return tokens.get(next);
    }

    Token following() {
        return tokens.get(Math.min(next + 1, tokens.size() - 1));
    }

    int line() {
        return current().line();
    }

    Token take() {
        Token token = current();
        if (token.kind() != Kind.EOF) {
            next++;
        }
        return token;
    }

    boolean skipName(String name) {
        boolean is = current().isName(name);
        next += is ? 1 : 0;
        return is;
    }

    boolean skipOperator(String operator) {
        boolean is = current().isOperator(operator);
        next += is ? 1 : 0;
        return is;
    }

    void expectOperator(String operator) {
        if (!skipOperator(operator)) {
            throw unexpected(operator);
        }
    }

    void expectName(String name) {
        if (!skipName(name)) {
            throw unexpected(name);
        }
    }

    Token expect(Kind kind) {
        if (current().kind() != kind) {
            throw unexpected(kind.words());
        }
        return take();
    }

    private TemplateException unexpected(String expected) {
        if (current().kind() == Kind.EOF) {
            return failure("unexpected end of template, expected '" + expected + "'.");
        }
        return failure("expected token '" + expected + "', got '" + current().described() + "'");
    }

    TemplateException failure(String message) {
        return new TemplateException(message).at(line());
    }
}
