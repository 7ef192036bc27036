package dev.quire.tokenizer;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.quire.format.ModelFileException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A `tokenizer.json`, read as it streams by: vocabulary and merges, which are nearly all of it, as plain collections;
/// everything else as a small tree.
///
/// - `root`: all fields but `model`
/// - `model`: the model's fields but `vocab` and `merges`
/// - `vocab`: name → id
/// - `merges`: the two names of each merge, in order of rank
record TokenizerJson(JsonPart root, JsonPart model, Map<String, Integer> vocab, List<String[]> merges) {
    static TokenizerJson read(Path file) {
        var reading = new Reading(file);
        JsonPart.stream(file, reading::root);
        return new TokenizerJson(
                new JsonPart(reading.root, "", file),
                new JsonPart(reading.model, "model", file),
                reading.vocab,
                reading.merges);
    }

    private static final class Reading {
        private final Path file;
        private final ObjectNode root = JsonNodeFactory.instance.objectNode();
        private final ObjectNode model = JsonNodeFactory.instance.objectNode();
        private final Map<String, Integer> vocab = new LinkedHashMap<>();
        private final List<String[]> merges = new ArrayList<>();

        Reading(Path file) {
            this.file = file;
        }

        void root(JsonParser json) throws IOException {
            begin(json, JsonToken.START_OBJECT, "an object");
            while (json.nextToken() != JsonToken.END_OBJECT) {
                String field = json.currentName();
                if (field.equals("model")) {
                    model(json);
                } else {
                    json.nextToken();
                    put(root, field, json.readValueAsTree());
                }
            }
        }

        private void model(JsonParser json) throws IOException {
            begin(json, JsonToken.START_OBJECT, "an object as its model");
            while (json.nextToken() != JsonToken.END_OBJECT) {
                String field = json.currentName();
                JsonToken token = json.nextToken();
                if (field.equals("vocab") && token == JsonToken.START_OBJECT) {
                    vocab(json);
                } else if (field.equals("merges") && token == JsonToken.START_ARRAY) {
                    merges(json);
                } else if (field.equals("vocab") || field.equals("merges")) {
                    json.skipChildren(); // of another kind of model, which is refused by its name
                } else {
                    put(model, field, json.readValueAsTree());
                }
            }
        }

        private void vocab(JsonParser json) throws IOException {
            while (json.nextToken() != JsonToken.END_OBJECT) {
                String name = json.currentName();
                if (json.nextToken() != JsonToken.VALUE_NUMBER_INT) {
                    throw JsonPart.malformed(json, "an id for each token", file);
                }
                long id = json.getLongValue();
                if (id < 0 || id > Integer.MAX_VALUE || Utf8.loneSurrogate(name, 0) >= 0) {
                    throw new ModelFileException("vocabulary must have names in Unicode and ids from 0: name="
                            + Names.quoted(name) + ", id=" + id + ", file=" + file);
                }
                Integer earlier = vocab.putIfAbsent(name, (int) id);
                if (earlier != null) {
                    throw new ModelFileException("tokens must be distinct: name=" + Names.quoted(name) + ", token="
                            + earlier + ", duplicate=" + id + ", file=" + file);
                }
            }
        }

        /// Written as `"a b"` or, since names may have blanks, as `["a", "b"]`.
        private void merges(JsonParser json) throws IOException {
            while (json.nextToken() != JsonToken.END_ARRAY) {
                String[] pair;
                if (json.currentToken() == JsonToken.VALUE_STRING) {
                    pair = json.getText().split(" ", -1);
                } else if (json.currentToken() == JsonToken.START_ARRAY) {
                    List<String> names = new ArrayList<>(2);
                    while (json.nextToken() == JsonToken.VALUE_STRING && names.size() < 2) {
                        names.add(json.getText());
                    }
                    pair = json.currentToken() == JsonToken.END_ARRAY ? names.toArray(String[]::new) : new String[0];
                } else {
                    throw JsonPart.malformed(json, "a string or a pair for each merge", file);
                }
                if (pair.length != 2) {
                    throw new ModelFileException("merge must be two names: rank=" + merges.size() + ", line="
                            + json.currentLocation().getLineNr() + ", file=" + file);
                }
                merges.add(pair);
            }
        }

        private void put(ObjectNode object, String field, JsonNode value) {
            if (object.has(field)) {
                throw new ModelFileException("field must stand once: field=" + Names.quoted(field) + ", file=" + file);
            }
            object.set(field, value);
        }

        private void begin(JsonParser json, JsonToken expected, String what) throws IOException {
            if (json.nextToken() != expected) {
                throw JsonPart.malformed(json, what, file);
            }
        }
    }
}
