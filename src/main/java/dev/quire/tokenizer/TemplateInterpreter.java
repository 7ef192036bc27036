package dev.quire.tokenizer;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.interpret.Context;
import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.interpret.TemplateError;
import com.hubspot.jinjava.interpret.TemplateError.ErrorType;
import java.util.Collection;
import java.util.Map;

/// One rendering of a template: it ends at the first error, where Jinjava would go on and collect, and it counts nodes
/// and time. Not thread-safe.
final class TemplateInterpreter extends JinjavaInterpreter {
    /// Texts, expressions and tags; a chat of 1,000 messages takes about 10,000.
    private static final int MOST_NODES = 100_000;

    private static final long LONGEST_NANOS = 5_000_000_000L;

    /// Characters of a text; elements of a collection.
    static final int LONGEST_TEXT = 16 << 20;

    static final int LARGEST_COLLECTION = 100_000;

    private final long startNanos = System.nanoTime();
    private int nodes;
    private ChatTemplateException failure; // null until there is one

    TemplateInterpreter(Jinjava jinjava, Context context, JinjavaConfig config) {
        super(jinjava, context, config);
    }

    /// The first failure, which matters more than what came of it; null if there is none.
    ChatTemplateException failure() {
        return failure;
    }

    /// Jinjava limits what filters make, but not sums: a loop that doubles a list is stopped here.
    @Override
    public Object resolveELExpression(String expression, int line) {
        return bounded(super.resolveELExpression(expression, line));
    }

    @Override
    public Object resolveELExpression(String expression, int line, int position) {
        return bounded(super.resolveELExpression(expression, line, position));
    }

    /// Jinjava's own way to text goes through JSON and leaves escapes of control characters behind; Python's `str`
    /// does not, and writes truth values with a capital. What is absent gives no text.
    @Override
    public String getAsString(Object value) {
        return switch (value) {
            case null -> "";
            case String text -> text;
            case Boolean truth -> truth ? "True" : "False";
            default -> super.getAsString(value);
        };
    }

    @Override
    public void addError(TemplateError error) {
        if (error.getSeverity() == ErrorType.FATAL) {
            throw fail(error.getException(), error.getMessage());
        }
    }

    ChatTemplateException fail(Throwable cause, String message) {
        for (Throwable c = cause; failure == null && c != null; c = c.getCause()) {
            if (c instanceof ChatTemplateException raised) {
                failure = raised;
            }
        }
        if (failure == null) {
            failure = new ChatTemplateException("chat template cannot be rendered: " + message);
        }
        return failure;
    }

    /// Called before each node, in every round of a loop.
    void countNode() {
        nodes++;
        if (nodes > MOST_NODES || System.nanoTime() - startNanos > LONGEST_NANOS) {
            throw fail(
                    null,
                    "work must stay within bounds: nodes=" + nodes + ", millis="
                            + (System.nanoTime() - startNanos) / 1_000_000);
        }
    }

    private Object bounded(Object value) {
        int size =
                switch (value) {
                    case Collection<?> collection -> collection.size();
                    case Map<?, ?> map -> map.size();
                    case null, default -> 0;
                };
        int length = value instanceof String text ? text.length() : 0;
        if (size > LARGEST_COLLECTION || length > LONGEST_TEXT) {
            throw fail(null, "value must stay within bounds: size=" + size + ", length=" + length);
        }
        return value;
    }
}
