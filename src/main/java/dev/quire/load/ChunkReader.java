package dev.quire.load;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;

/// Reads what timing needs of a chunk of either endpoint, in one pass and without a tree of it.
///
/// A choice carries tokens if it has text, reasoning or a tool call. One with an empty text does too, unless it
/// is the last one or opens a chat: servers send it for a token that is half a character or invisible.
final class ChunkReader {
    /// Takes what a chunk says, in its order.
    interface Sink {
        void choice(int index, boolean carriesTokens, boolean finished);

        /// A count that the chunk does not have is -1.
        void usage(int promptTokens, int completionTokens, int cachedTokens);

        /// The chunk is an error and no part of an answer.
        void error();
    }

    private static final int EMPTY = 1; // a text that is there
    private static final int FULL = 2; // and has characters
    private static final int OPENING = 4; // says whose message it is

    private final JsonFactory json = new JsonFactory();

    /// Throws {@link IOException} when the bytes are not one JSON object.
    void read(byte[] bytes, int from, int length, Sink sink) throws IOException {
        try (JsonParser in = json.createParser(bytes, from, length)) {
            if (in.nextToken() != JsonToken.START_OBJECT) {
                throw new IOException("not an object");
            }
            while (in.nextToken() == JsonToken.FIELD_NAME) {
                String name = in.currentName();
                JsonToken value = in.nextToken();
                switch (name) {
                    case "choices" -> choices(in, value, sink);
                    case "usage" -> usage(in, value, sink);
                    case "error" -> {
                        if (value != JsonToken.VALUE_NULL) {
                            sink.error();
                        }
                        in.skipChildren();
                    }
                    case "object" -> {
                        if (value == JsonToken.VALUE_STRING && in.getText().equals("error")) {
                            sink.error();
                        }
                        in.skipChildren();
                    }
                    default -> in.skipChildren();
                }
            }
            if (in.nextToken() != null) {
                throw new IOException("more than an object");
            }
        }
    }

    private static void choices(JsonParser in, JsonToken value, Sink sink) throws IOException {
        if (value != JsonToken.START_ARRAY) {
            in.skipChildren();
            return;
        }
        while (in.nextToken() == JsonToken.START_OBJECT) {
            choice(in, sink);
        }
        if (in.currentToken() != JsonToken.END_ARRAY) {
            throw new IOException("a choice is not an object");
        }
    }

    private static void choice(JsonParser in, Sink sink) throws IOException {
        int index = 0;
        int content = 0;
        boolean finished = false;
        while (in.nextToken() == JsonToken.FIELD_NAME) {
            String name = in.currentName();
            JsonToken value = in.nextToken();
            switch (name) {
                case "index" -> index = value == JsonToken.VALUE_NUMBER_INT ? in.getIntValue() : -1;
                case "text" -> content |= content(in, value);
                case "delta" -> content |= delta(in, value);
                case "finish_reason" -> finished = value != JsonToken.VALUE_NULL;
                default -> {}
            }
            in.skipChildren();
        }
        boolean full = (content & FULL) != 0;
        boolean empty = (content & EMPTY) != 0 && (content & OPENING) == 0 && !finished;
        sink.choice(index, full || empty, finished);
    }

    /// Leaves the parser at the end of the delta.
    private static int delta(JsonParser in, JsonToken value) throws IOException {
        int content = 0;
        if (value != JsonToken.START_OBJECT) {
            return content;
        }
        while (in.nextToken() == JsonToken.FIELD_NAME) {
            String name = in.currentName();
            JsonToken field = in.nextToken();
            switch (name) {
                case "content", "reasoning_content", "reasoning", "refusal" -> content |= content(in, field);
                case "role" -> content |= field == JsonToken.VALUE_STRING ? OPENING : 0;
                case "tool_calls" -> {
                    if (field == JsonToken.START_ARRAY) {
                        boolean any = false;
                        while (in.nextToken() != JsonToken.END_ARRAY) {
                            any = true;
                            in.skipChildren();
                        }
                        content |= any ? FULL : 0;
                    }
                }
                default -> {}
            }
            in.skipChildren();
        }
        return content;
    }

    private static int content(JsonParser in, JsonToken value) throws IOException {
        if (value != JsonToken.VALUE_STRING) {
            return 0;
        }
        return in.getTextLength() > 0 ? EMPTY | FULL : EMPTY;
    }

    private static void usage(JsonParser in, JsonToken value, Sink sink) throws IOException {
        if (value != JsonToken.START_OBJECT) {
            in.skipChildren();
            return;
        }
        int prompt = -1;
        int completion = -1;
        int cached = -1;
        while (in.nextToken() == JsonToken.FIELD_NAME) {
            String name = in.currentName();
            JsonToken field = in.nextToken();
            switch (name) {
                case "prompt_tokens" -> prompt = count(in, field);
                case "completion_tokens" -> completion = count(in, field);
                case "prompt_tokens_details" -> {
                    if (field == JsonToken.START_OBJECT) {
                        cached = cachedTokens(in);
                    }
                }
                default -> {}
            }
            in.skipChildren();
        }
        sink.usage(prompt, completion, cached);
    }

    private static int cachedTokens(JsonParser in) throws IOException {
        int cached = -1;
        while (in.nextToken() == JsonToken.FIELD_NAME) {
            boolean wanted = in.currentName().equals("cached_tokens");
            JsonToken field = in.nextToken();
            if (wanted) {
                cached = count(in, field);
            }
            in.skipChildren();
        }
        return cached;
    }

    private static int count(JsonParser in, JsonToken value) throws IOException {
        return value == JsonToken.VALUE_NUMBER_INT ? in.getIntValue() : -1;
    }
}
