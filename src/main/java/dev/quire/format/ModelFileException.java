package dev.quire.format;

/// A model or its file cannot be used. The message is one line for the user: what must hold, the values, the file and,
/// where there is one, the offset.
public final class ModelFileException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public ModelFileException(String message) {
        super(message);
    }

    public ModelFileException(String message, Throwable cause) {
        super(message, cause);
    }
}
