package dev.quire.api;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.quarkus.runtime.configuration.MemorySize;
import jakarta.inject.Singleton;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/// Bytes ↔ JSON with the bounds of an open door. Requests are read as trees, not bound to classes: a binder would
/// coerce (`"16"` to 16, 1.5 to 1) and its messages name Java classes. Thread-safe.
@Singleton
final class Json {
    /// Deepest nesting: a chat message's part is at depth 5.
    private static final int MAX_DEPTH = 64;

    /// Most JSON tokens of a body: a prompt of token ids as long as any model's context, with room. Bounds the tree's
    /// heap to about 24 bytes each.
    private static final long MAX_TOKENS = 2_000_000;

    private static final Pattern JACKSON_NAMES =
            Pattern.compile(", from `[^`]*`| \\(bound as `[^`]*`\\)|: (enable|not allowed as per) `[^`]*`( to allow)?");

    private static final byte[] DATA = "data: ".getBytes(StandardCharsets.US_ASCII);

    private final ObjectMapper mapper;
    private final int maxBodyBytes;

    Json(@ConfigProperty(name = "quarkus.http.limits.max-body-size") MemorySize maxBodySize) {
        maxBodyBytes = Math.toIntExact(maxBodySize.asLongValue());
        var factory = JsonFactory.builder()
                .streamReadConstraints(StreamReadConstraints.builder()
                        .maxNestingDepth(MAX_DEPTH)
                        .maxTokenCount(MAX_TOKENS)
                        .maxNumberLength(400) // the longest exact double has 309 digits before its point
                        .maxNameLength(1000)
                        .build())
                .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
                .build();
        mapper = JsonMapper.builder(factory)
                .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
                .build();
    }

    /// The fields of a body that must be one JSON object. A body that says its length is complete, and was refused
    /// before if it is too long ({@link ErrorRoutes}); one in chunks may turn out to be too long only here.
    RequestFields fields(InputStream stream) {
        byte[] body = read(stream);
        if (body.length == 0) {
            throw ApiException.badBody("invalid_json", "body must be a JSON object: body.length=0");
        }
        JsonNode node = tree(body);
        if (node instanceof ObjectNode object) {
            return new RequestFields(object);
        }
        throw ApiException.badBody("invalid_json", "body must be a JSON object: body=" + RequestFields.describe(node));
    }

    private byte[] read(InputStream stream) {
        try {
            byte[] body = stream.readNBytes(maxBodyBytes + 1);
            if (body.length > maxBodyBytes) {
                throw HttpErrors.of(413);
            }
            return body;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private JsonNode tree(byte[] body) {
        try {
            return mapper.readTree(body);
        } catch (JsonProcessingException e) {
            JsonLocation at = e.getLocation();
            String where = at == null ? "" : ", line=" + at.getLineNr() + ", column=" + at.getColumnNr();
            throw ApiException.badBody("invalid_json", "body must be valid JSON: reason=" + reason(e) + where);
        } catch (IOException e) {
            // Bytes that are no text in the encoding they began with.
            String reason = ApiException.excerpt(String.valueOf(e.getMessage()), ApiException.MAX_EXCERPT);
            throw ApiException.badBody("invalid_json", "body must be valid JSON: reason=" + reason);
        }
    }

    /// Jackson's words without the names of its classes, which it puts between backquotes.
    private static String reason(JsonProcessingException e) {
        String message = JACKSON_NAMES.matcher(e.getOriginalMessage()).replaceAll("");
        return ApiException.excerpt(message, ApiException.MAX_EXCERPT);
    }

    byte[] bytes(Object value) {
        try {
            return mapper.writeValueAsBytes(value);
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// One server-sent event.
    byte[] event(Object value) {
        byte[] json = bytes(value);
        var event = new byte[DATA.length + json.length + 2];
        System.arraycopy(DATA, 0, event, 0, DATA.length);
        System.arraycopy(json, 0, event, DATA.length, json.length);
        event[event.length - 2] = '\n';
        event[event.length - 1] = '\n';
        return event;
    }
}
