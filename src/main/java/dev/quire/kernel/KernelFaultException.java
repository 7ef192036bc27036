package dev.quire.kernel;

/// The device or a kernel failed in a way that leaves results in doubt: the backend must not be used again.
public final class KernelFaultException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public KernelFaultException(String message) {
        super(message);
    }
}
