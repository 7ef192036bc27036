package dev.quire.store;

import java.io.IOException;
import java.time.Duration;

/// The hub could not be reached, or not now: another attempt may succeed.
final class HubRetryException extends Exception {
    private static final long serialVersionUID = 1L;

    private final Duration after; // what the hub asks for

    HubRetryException(String message, Duration after) {
        super(message);
        this.after = after;
    }

    HubRetryException(String message, IOException cause) {
        super(message, cause);
        this.after = Duration.ZERO;
    }

    Duration after() {
        return after;
    }
}
