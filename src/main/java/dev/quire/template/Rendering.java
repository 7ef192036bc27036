package dev.quire.template;

import java.time.LocalDateTime;
import java.util.List;
import java.util.function.Supplier;

/// One rendering: what it may still use, and where it is. Not thread-safe.
final class Rendering {
    /// What a call counts as of {@link Limits#depth}: it takes more of the stack than an expression.
    private static final int CALL_LEVELS = 2;

    final Budget budget;
    final Supplier<LocalDateTime> now;
    final Scope globals;
    int line = 1; // of the statement or expression under way, for messages

    Rendering(Budget budget, Supplier<LocalDateTime> now, Scope globals) {
        this.budget = budget;
        this.now = now;
        this.globals = globals;
    }

    Object evaluate(Expression expression, Scope scope) {
        budget.step();
        budget.enter(1);
        Object value = expression.evaluate(this, scope);
        budget.leave(1);
        return value;
    }

    boolean holds(Expression expression, Scope scope) {
        return Values.truth(evaluate(expression, scope));
    }

    Flow execute(List<Statement> body, Scope scope, Output out) {
        budget.enter(1);
        Flow flow = Flow.ON;
        for (int i = 0; i < body.size() && flow == Flow.ON; i++) {
            budget.step();
            flow = body.get(i).execute(this, scope, out);
        }
        budget.leave(1);
        return flow;
    }

    /// What `body` prints.
    String capture(List<Statement> body, Scope scope) {
        var out = new Output(budget);
        execute(body, scope, out);
        return out.text();
    }

    Object call(Object callee, Arguments arguments) {
        if (!(callee instanceof Callable callable)) {
            Values.refuse(callee);
            throw new TemplateException("'" + Values.typeName(callee) + "' object is not callable");
        }
        budget.step();
        budget.enter(CALL_LEVELS);
        Object result = callable.call(this, arguments);
        budget.leave(CALL_LEVELS);
        return result;
    }

    String print(Object value) {
        return Printer.print(value, budget);
    }
}
