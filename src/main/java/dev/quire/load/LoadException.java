package dev.quire.load;

/// A load cannot be put on the server, or its answers are of no use; the message is one line for the user.
public final class LoadException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    LoadException(String message) {
        super(message);
    }
}
