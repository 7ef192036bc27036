package dev.quire.scheduler;

/// The choices of one request: how many have not ended and, once none is left, how the request ended. It failed if one
/// of them did, else it was cancelled if one of them was.
///
/// Not thread-safe: the engine thread owns it.
final class Choices {
    private int open;
    private TokenBuffer.Ending ending = TokenBuffer.Ending.STOP; // the gravest so far

    Choices(int choices) {
        open = choices;
    }

    /// One of them has ended.
    void end(TokenBuffer.Ending how) {
        open--;
        if (how.compareTo(ending) > 0) {
            ending = how;
        }
    }

    /// How the request ended, or null while a choice goes on.
    TokenBuffer.Ending ending() {
        return open == 0 ? ending : null;
    }
}
