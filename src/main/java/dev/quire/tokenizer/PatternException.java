package dev.quire.tokenizer;

/// A regular expression that cannot be read, or that the automaton cannot follow exactly. The message is one line and
/// does not name the file: the reader of the file adds it.
final class PatternException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    PatternException(String message) {
        super(message);
    }
}
