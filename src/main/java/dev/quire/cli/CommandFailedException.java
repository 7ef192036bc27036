package dev.quire.cli;

/// A command cannot go on; the message is one line for the user, and the exit status is 1.
final class CommandFailedException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    CommandFailedException(String message) {
        super(message);
    }
}
