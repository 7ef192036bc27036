package dev.quire.load;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.charset.StandardCharsets;

/// What a server says of an error, as one line: OpenAI's `error.message`, or what other servers have in its
/// place.
final class ServerMessage {
    private static final int MOST_CHARACTERS = 300;
    private static final ObjectMapper JSON = new ObjectMapper();

    private ServerMessage() {}

    static String of(byte[] bytes, int from, int length) {
        String body = new String(bytes, from, length, StandardCharsets.UTF_8);
        try {
            JsonNode root = JSON.readTree(body);
            for (String path : new String[] {"/error/message", "/error", "/message", "/detail/0/msg", "/detail"}) {
                JsonNode node = root.at(path);
                if (node.isTextual()) {
                    return oneLine(node.textValue());
                }
            }
        } catch (JsonProcessingException e) {
            // Shown as it is.
        }
        return oneLine(body);
    }

    static String text(byte[] bytes, int from, int length) {
        return oneLine(new String(bytes, from, length, StandardCharsets.UTF_8));
    }

    /// Control characters would move the terminal's cursor, and a page of HTML says no more than its beginning.
    static String oneLine(String text) {
        String line = text.replaceAll("[\\s\\p{Cntrl}]+", " ").strip();
        return line.length() <= MOST_CHARACTERS ? line : line.substring(0, MOST_CHARACTERS) + "…";
    }
}
