package dev.quire.engine;

import dev.quire.tokenizer.TokenDecoder;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntPredicate;

/// Turns the tokens of one answer into text as it may be shown: whole characters only, nothing from a stop text on,
/// and with each piece the tokens that began in it. Not thread-safe.
final class AnswerText {
    private final TokenDecoder decoder;
    private final StopMatcher stops;
    private final IntPredicate hidden;
    private final List<Integer> tokens = new ArrayList<>(); // not shown yet
    private final List<Long> starts = new ArrayList<>(); // of each, in characters from the beginning of the answer
    private final StringBuilder ready = new StringBuilder();
    private long decoded; // characters
    private long shown; // characters

    /// `hidden`: tokens that end this answer and have no text in it.
    AnswerText(TokenDecoder decoder, List<String> stops, IntPredicate hidden) {
        this.decoder = decoder;
        this.stops = new StopMatcher(stops);
        this.hidden = hidden;
    }

    /// What can be shown: text, and how many of the oldest tokens not shown yet began in it.
    record Piece(String text, int tokens) {}

    /// Takes the next token. Returns whether a stop text is complete with it.
    boolean add(int token) {
        tokens.add(token);
        starts.add(decoded);
        if (!hidden.test(token)) {
            show(decoder.next(token));
        }
        return stops.matched();
    }

    private void show(String text) {
        decoded += text.length();
        ready.append(stops.next(text));
    }

    /// No more tokens come. Returns whether a stop text was complete, be it with an unfinished character's U+FFFD.
    boolean finish() {
        show(decoder.finish());
        ready.append(stops.finish());
        return stops.matched();
    }

    /// Takes what can be shown; `all` at the end, when tokens without text of their own are shown too.
    Piece take(boolean all) {
        shown += ready.length();
        int count = 0;
        while (count < tokens.size() && (starts.get(count) < shown || (all && !stops.matched()))) {
            count++;
        }
        Piece piece = new Piece(ready.toString(), count);
        ready.setLength(0);
        tokens.subList(0, count).clear();
        starts.subList(0, count).clear();
        return piece;
    }
}
