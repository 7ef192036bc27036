package dev.quire.template;

import java.time.LocalDateTime;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/// A template, read once and rendered often. Immutable and thread-safe: a rendering shares nothing but this.
///
/// An interpreter over the template's tree: expressions and statements evaluate themselves in a {@link Scope}, and
/// a {@link Budget} of the {@link Limits} is asked before anything that takes time or memory. Semantics are
/// jinja2's 3.1.6 on Python 3.11 within Transformers' `ImmutableSandboxedEnvironment`; `src/test/scripts` holds
/// what compares the two.
public final class Template {
    private final List<Statement> body;

    private Template(List<Statement> body) {
        this.body = body;
    }

    /// Throws {@link TemplateException} if `source` is not a template.
    public static Template parse(String source) {
        try {
            return new Template(Parser.parse(source));
        } catch (StackOverflowError e) {
            throw new TemplateException("nesting must not be deeper: cause=stack is full");
        }
    }

    /// The text for `variables`: plain data, see {@link Values#from}.
    public String render(Map<String, ?> variables) {
        return render(variables, LocalDateTime::now);
    }

    /// With the time that `strftime_now` tells.
    public String render(Map<String, ?> variables, Supplier<LocalDateTime> now) {
        return render(variables, Limits.STANDARD, System::nanoTime, now);
    }

    String render(Map<String, ?> variables, Limits limits, LongSupplier nanoTime, Supplier<LocalDateTime> now) {
        var globals = Globals.scope();
        var rendering = new Rendering(new Budget(limits, nanoTime), now, new Scope(globals));
        try {
            variables.forEach((name, value) -> rendering.globals.set(name, Values.from(value)));
            return rendering.capture(body, rendering.globals);
        } catch (TemplateException e) {
            throw e.at(rendering.line);
        } catch (StackOverflowError e) {
            // Limits.depth is meant to be reached first; this is for threads with a small stack.
            throw new TemplateException("nesting must not be deeper: cause=stack is full").at(rendering.line);
        }
    }
}
