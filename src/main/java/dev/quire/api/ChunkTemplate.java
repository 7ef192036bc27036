package dev.quire.api;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.function.Function;

/// A server-sent event of which only a text changes from one to the next, written once and then filled in: the chunks
/// of a stream repeat id, time, model and all the names, for each token. Thread-safe.
final class ChunkTemplate {
    private static final String PLACE = "*";
    private static final byte[] QUOTED_PLACE = "\"*\"".getBytes(StandardCharsets.US_ASCII);

    private final Json json;
    private final byte[] head; // up to the text
    private final byte[] tail; // from behind it

    /// `chunk` makes the object that says a text. What follows the text in it must be no string of a client's or
    /// model's choosing.
    ChunkTemplate(Json json, Function<String, Object> chunk) {
        this.json = json;
        byte[] event = json.event(chunk.apply(PLACE));
        int at = lastPlace(event);
        head = Arrays.copyOfRange(event, 0, at);
        tail = Arrays.copyOfRange(event, at + QUOTED_PLACE.length, event.length);
    }

    private static int lastPlace(byte[] event) {
        int at = event.length - QUOTED_PLACE.length;
        while (!Arrays.equals(event, at, at + QUOTED_PLACE.length, QUOTED_PLACE, 0, QUOTED_PLACE.length)) {
            at--;
        }
        return at;
    }

    /// The event that says `text`.
    byte[] event(String text) {
        byte[] quoted = json.bytes(text);
        var event = new byte[head.length + quoted.length + tail.length];
        System.arraycopy(head, 0, event, 0, head.length);
        System.arraycopy(quoted, 0, event, head.length, quoted.length);
        System.arraycopy(tail, 0, event, head.length + quoted.length, tail.length);
        return event;
    }
}
