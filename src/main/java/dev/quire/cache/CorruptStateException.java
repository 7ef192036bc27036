package dev.quire.cache;

/// Our own bookkeeping is wrong: the engine stops, since going on could show one user another's keys and values.
public final class CorruptStateException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public CorruptStateException(String message) {
        super(message);
    }
}
