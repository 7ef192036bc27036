package dev.quire.template;

/// A template cannot be read, refuses its variables, or breaks a rule of Python or a limit. The message is one
/// line: Python's own where there is one, and the template's line.
public final class TemplateException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final boolean raised;
    private final boolean placed; // the message has a line, or needs none

    TemplateException(String message) {
        this(message, false, false);
    }

    private TemplateException(String message, boolean raised, boolean placed) {
        super(message);
        this.raised = raised;
        this.placed = placed;
    }

    /// What the template itself says by `raise_exception`, word for word.
    static TemplateException raised(String message) {
        return new TemplateException(message, true, true);
    }

    /// Whether the template itself refuses its variables.
    public boolean isRaised() {
        return raised;
    }

    TemplateException at(int line) {
        if (placed) {
            return this;
        }
        String separator = getMessage().matches("(?s).*: \\w+=.*") ? ", " : ": ";
        return new TemplateException(getMessage() + separator + "line=" + line, false, true);
    }
}
