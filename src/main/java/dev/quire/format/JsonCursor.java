package dev.quire.format;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.util.ByteBufferBackedInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/// Reads one JSON value of a model's folder from front to back, and refuses with file and offset what is not JSON, not
/// UTF-8, or nested too deep.
///
/// Not thread-safe: who opened it owns it.
final class JsonCursor implements AutoCloseable {
    /// Levels of objects and arrays. Configurations have about five.
    private static final int DEEPEST = 32;

    private static final int LONGEST_NUMBER = 64;

    private final Path file;
    private final long start;
    private final String what;
    private final JsonParser parser;

    /// Reads `text`, which starts at `start` of `file`. `what` is its name in messages.
    JsonCursor(Path file, ByteBuffer text, long start, String what) {
        this.file = file;
        this.start = start;
        this.what = what;
        requireUtf8(text);
        // Names come from the file and are not kept for another one: a factory of its own, nothing interned.
        var factory = JsonFactory.builder()
                .streamReadConstraints(StreamReadConstraints.builder()
                        .maxNestingDepth(DEEPEST)
                        .maxNumberLength(LONGEST_NUMBER)
                        .maxNameLength(text.remaining())
                        .maxStringLength(text.remaining())
                        .build())
                .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
                .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS) // Python writes them
                .build();
        try {
            this.parser = factory.createParser(new ByteBufferBackedInputStream(text));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// The whole value, after which nothing may follow; no object in it may have a name twice.
    JsonNode tree() {
        parser.enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION);
        try {
            JsonNode tree = new ObjectMapper().readTree(parser);
            end();
            if (tree == null || tree.isMissingNode()) {
                throw refusal("must hold a value", "found=end", start);
            }
            return tree;
        } catch (IOException e) {
            throw invalid(e);
        }
    }

    /// The next token; null at the end.
    JsonToken next() {
        try {
            return parser.nextToken();
        } catch (IOException e) {
            throw invalid(e);
        }
    }

    /// Requires that the next token is `token`; `expected` is what it begins, in words.
    void next(JsonToken token, String expected, String values) {
        require(next() == token, expected, values);
    }

    /// Refuses the current token unless it is what was expected.
    void require(boolean holds, String expected, String values) {
        if (!holds) {
            throw refusal(
                    "must have " + expected + " here", values + "found=" + name(parser.currentToken()), position());
        }
    }

    /// Nothing but blanks may follow.
    void end() {
        if (next() != null) {
            throw refusal("must end here", "found=" + name(parser.currentToken()), position());
        }
    }

    /// Goes past the current value, whatever it holds.
    void skip() {
        try {
            parser.skipChildren();
        } catch (IOException e) {
            throw invalid(e);
        }
    }

    /// The token that was read last.
    JsonToken current() {
        return parser.currentToken();
    }

    /// The current token's text: of a name, a string or a number.
    String text() {
        try {
            return parser.getText();
        } catch (IOException e) {
            throw invalid(e);
        }
    }

    /// The current token as a number from 0 to 2^63 - 1.
    long natural(String expected, String values) {
        require(parser.currentToken() == JsonToken.VALUE_NUMBER_INT, expected, values);
        String digits = text();
        try {
            long value = Long.parseLong(digits);
            if (value >= 0) {
                return value;
            }
        } catch (NumberFormatException e) {
            // Answered below: too many digits.
        }
        throw refusal(
                "must have " + expected + " from 0 to 2^63 - 1",
                values + "value=" + GgufCursor.printable(digits),
                position());
    }

    /// Where the current token starts in the file.
    long position() {
        return start + parser.currentTokenLocation().getByteOffset();
    }

    /// `what` and what it must do, the values, the file and the offset.
    ModelFileException refusal(String mustHold, String values, long offset) {
        return new ModelFileException(what + " " + mustHold + ": " + values + ", file=" + file + ", offset=" + offset);
    }

    @Override
    public void close() {
        try {
            parser.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private ModelFileException invalid(IOException e) {
        String reason = e instanceof JsonProcessingException json ? json.getOriginalMessage() : e.toString();
        long at = parser.currentLocation().getByteOffset();
        return new ModelFileException(
                what + " must be JSON: reason=" + GgufCursor.printable(reason) + ", file=" + file + ", offset="
                        + (start + Math.max(at, 0)),
                e);
    }

    /// The parser takes some sequences that are no UTF-8 (overlong ones, halves of surrogate pairs).
    private void requireUtf8(ByteBuffer text) {
        var decoder = StandardCharsets.UTF_8.newDecoder();
        var rest = text.duplicate();
        var characters = CharBuffer.allocate(4096);
        for (var result = decoder.decode(rest, characters, true);
                !result.isUnderflow();
                result = decoder.decode(rest, characters, true)) {
            if (result.isError()) {
                throw refusal(
                        "must be UTF-8",
                        String.format("byte=0x%02x", rest.get(rest.position())),
                        start + rest.position() - text.position());
            }
            characters.clear();
        }
    }

    private static String name(JsonToken token) {
        return switch (token) {
            case null -> "end";
            case START_OBJECT, END_OBJECT, START_ARRAY, END_ARRAY -> "'" + token.asString() + "'";
            case FIELD_NAME -> "name";
            case VALUE_STRING -> "string";
            case VALUE_NUMBER_INT -> "integer";
            case VALUE_NUMBER_FLOAT -> "number";
            case VALUE_TRUE, VALUE_FALSE, VALUE_NULL -> token.asString();
            case NOT_AVAILABLE, VALUE_EMBEDDED_OBJECT -> throw new IllegalStateException("token: " + token);
        };
    }
}
