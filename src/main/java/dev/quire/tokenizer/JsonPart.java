package dev.quire.tokenizer;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.quire.format.ModelFileException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// A value in a JSON file that nobody vouches for: each access names what was expected, where and in which file.
///
/// Bounds: files of at most {@link #LARGEST_FILE} bytes, {@link #DEEPEST} levels, strings of at most
/// {@link #LONGEST_STRING} characters.
///
/// - `name`: how the value is reached, as `model.unk_token`
record JsonPart(JsonNode node, String name, Path file) {
    /// Bytes. The tokenizer.json of Gemma 3, the largest in use, has 33 million.
    private static final long LARGEST_FILE = 1L << 28;

    private static final int DEEPEST = 64;

    /// Characters; the longest chat templates have about 20,000.
    private static final int LONGEST_STRING = 1 << 20;

    /// Names are not kept in a table: a vocabulary has each of its 262,144 once.
    private static final ObjectMapper JSON = new ObjectMapper(JsonFactory.builder()
                    .disable(JsonFactory.Feature.CANONICALIZE_FIELD_NAMES)
                    .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
                    .streamReadConstraints(StreamReadConstraints.builder()
                            .maxNestingDepth(DEEPEST)
                            .maxStringLength(LONGEST_STRING)
                            .maxNameLength(LONGEST_STRING)
                            .maxDocumentLength(LARGEST_FILE)
                            .build())
                    .build())
            .enable(DeserializationFeature.FAIL_ON_READING_DUP_TREE_KEY);

    /// Reads a file as it streams by.
    interface Reader {
        void read(JsonParser json) throws IOException;
    }

    /// The whole of a small file; empty where there is none.
    static JsonPart of(Path file) {
        if (!Files.exists(file)) {
            return new JsonPart(MissingNode.getInstance(), "", file);
        }
        JsonNode[] root = {null};
        stream(file, json -> root[0] = json.readValueAsTree());
        // Jackson finds no tree in a file without a value.
        JsonNode found = root[0] == null ? MissingNode.getInstance() : root[0];
        return new JsonPart(found, "", file).object();
    }

    /// Streams a file, which must be one JSON value; the reader meets its first token next.
    static void stream(Path file, Reader reader) {
        if (!Files.isRegularFile(file)) {
            throw new ModelFileException("must be a regular file: file=" + file);
        }
        try (JsonParser json = JSON.createParser(file.toFile())) {
            long bytes = Files.size(file);
            if (bytes > LARGEST_FILE) {
                throw new ModelFileException(
                        "file must have at most " + LARGEST_FILE + " bytes: bytes=" + bytes + ", file=" + file);
            }
            reader.read(json);
            if (json.nextToken() != null) {
                throw malformed(json, "one value and no more", file);
            }
        } catch (JsonProcessingException e) {
            var at = e.getLocation();
            throw new ModelFileException(
                    "file must be JSON: reason=" + Names.quoted(e.getOriginalMessage())
                            + (at == null ? "" : ", line=" + at.getLineNr() + ", column=" + at.getColumnNr())
                            + ", file=" + file,
                    e);
        } catch (IOException e) {
            throw new ModelFileException(
                    "file must be readable: reason=" + e.getClass().getSimpleName() + ", file=" + file, e);
        }
    }

    static ModelFileException malformed(JsonParser json, String expected, Path file) {
        var at = json.currentLocation();
        return new ModelFileException("file must have " + expected + ": found=" + json.currentToken() + ", line="
                + at.getLineNr() + ", column=" + at.getColumnNr() + ", file=" + file);
    }

    /// Neither missing nor null.
    boolean isPresent() {
        return !node.isMissingNode() && !node.isNull();
    }

    boolean isObject() {
        return node.isObject();
    }

    boolean isArray() {
        return node.isArray();
    }

    boolean isText() {
        return node.isTextual();
    }

    JsonPart at(String field) {
        return new JsonPart(node.path(field), name.isEmpty() ? field : name + "." + field, file);
    }

    JsonPart object() {
        return require(node.isObject(), "an object");
    }

    List<JsonPart> items() {
        require(node.isArray(), "an array");
        List<JsonPart> items = new ArrayList<>(node.size());
        for (int i = 0; i < node.size(); i++) {
            items.add(new JsonPart(node.get(i), name + "[" + i + "]", file));
        }
        return items;
    }

    /// An object's fields in order.
    List<String> fields() {
        List<String> fields = new ArrayList<>(node.size());
        object().node.fieldNames().forEachRemaining(fields::add);
        return fields;
    }

    String text() {
        require(node.isTextual(), "a string");
        String text = node.textValue();
        if (Utf8.loneSurrogate(text, 0) >= 0) {
            throw new ModelFileException(
                    "string must be Unicode: field=" + name + ", value=" + Names.quoted(text) + ", file=" + file);
        }
        return text;
    }

    String text(String otherwise) {
        return isPresent() ? text() : otherwise;
    }

    boolean flag(boolean otherwise) {
        return isPresent() ? require(node.isBoolean(), "true or false").node.booleanValue() : otherwise;
    }

    /// An integer from 0 that fits an `int`.
    int number() {
        require(node.isIntegralNumber() && node.canConvertToInt() && node.intValue() >= 0, "an integer from 0");
        return node.intValue();
    }

    /// A token's name: a string, or an object with it as `content`, as both forms are in use.
    Optional<String> tokenName() {
        if (!isPresent()) {
            return Optional.empty();
        }
        return Optional.of(isObject() ? at("content").text() : text());
    }

    /// What a refusal says of where it stands: `field=…, file=…`.
    String place() {
        return (name.isEmpty() ? "" : "field=" + name + ", ") + "file=" + file;
    }

    private JsonPart require(boolean holds, String expected) {
        if (!holds) {
            String found =
                    node.isMissingNode() ? "nothing" : node.getNodeType().name().toLowerCase(java.util.Locale.ROOT);
            throw new ModelFileException("value must be " + expected + ": found=" + found
                    + (node.isNumber() ? " " + Names.quoted(node.asText()) : "") + ", " + place());
        }
        return this;
    }
}
