package dev.quire.format;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeType;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;

/// One object of a JSON file of a model's folder, with typed access. A key with `null` is as good as none, as it is for
/// Transformers. Immutable.
///
/// A value of another type, or out of its range, is a {@link ModelFileException} that names key and file.
final class HuggingFaceConfig {
    /// Bytes of a file. Configurations have a few thousand, those with a list of labels up to a megabyte.
    static final int MAX_BYTES = 4 << 20;

    private final Path file;
    private final String prefix; // of keys in messages: "text_config."
    private final JsonNode object;

    private HuggingFaceConfig(Path file, String prefix, JsonNode object) {
        this.file = file;
        this.prefix = prefix;
        this.object = object;
    }

    /// Reads a file that must be there and hold one object.
    static HuggingFaceConfig read(Path file) {
        ByteBuffer text = ByteBuffer.wrap(bytes(file));
        try (var json = new JsonCursor(file, text, 0, "file")) {
            JsonNode tree = json.tree();
            if (!tree.isObject()) {
                throw json.refusal("must hold an object", "found=" + type(tree), 0);
            }
            return new HuggingFaceConfig(file, "", tree);
        }
    }

    private static byte[] bytes(Path file) {
        if (!Files.isRegularFile(file)) {
            throw new ModelFileException("file must exist: file=" + file);
        }
        try (var in = Files.newInputStream(file)) {
            // The size may be any number by now; what is read is bounded.
            byte[] bytes = in.readNBytes(MAX_BYTES + 1);
            if (bytes.length > MAX_BYTES) {
                throw new ModelFileException("file must not exceed its bound: bytes=" + Files.size(file) + ", bound="
                        + MAX_BYTES + ", file=" + file);
            }
            return bytes;
        } catch (IOException e) {
            throw new ModelFileException(
                    "model file must be readable: reason=" + e.getClass().getSimpleName() + ", file=" + file, e);
        }
    }

    Path file() {
        return file;
    }

    boolean has(String key) {
        return !value(key).isMissingNode();
    }

    /// Whether `key` is there, be it with `null`.
    boolean mentions(String key) {
        return object.has(key);
    }

    /// The object at `key`; an empty one where there is none.
    HuggingFaceConfig object(String key) {
        JsonNode value = value(key);
        if (!value.isObject() && !value.isMissingNode()) {
            throw unexpected(key, "object", type(value));
        }
        return new HuggingFaceConfig(file, prefix + key + ".", value);
    }

    boolean isEmpty() {
        return object.isEmpty();
    }

    /// The names of everything it holds.
    Set<String> keys() {
        Set<String> keys = new TreeSet<>();
        object.fieldNames().forEachRemaining(keys::add);
        return keys;
    }

    String text(String key, String otherwise) {
        JsonNode value = value(key);
        if (value.isMissingNode()) {
            return otherwise;
        }
        if (!value.isTextual()) {
            throw unexpected(key, "string", type(value));
        }
        return value.textValue();
    }

    /// The first text of the array at `key`, or `otherwise`.
    String firstText(String key, String otherwise) {
        JsonNode value = value(key);
        if (value.isMissingNode() || value.isArray() && value.isEmpty()) {
            return otherwise;
        }
        if (!value.isArray() || !value.get(0).isTextual()) {
            throw unexpected(key, "array of strings", type(value));
        }
        return value.get(0).textValue();
    }

    boolean flag(String key, boolean otherwise) {
        JsonNode value = value(key);
        if (value.isMissingNode()) {
            return otherwise;
        }
        if (!value.isBoolean()) {
            throw unexpected(key, "true or false", type(value));
        }
        return value.booleanValue();
    }

    /// An integer from `least` to 2^31 - 1.
    int integer(String key, int least, int otherwise) {
        JsonNode value = value(key);
        if (value.isMissingNode()) {
            return otherwise;
        }
        if (!value.isIntegralNumber()) {
            throw unexpected(key, "integer", type(value));
        }
        if (!value.canConvertToInt() || value.intValue() < least) {
            throw unexpected(key, least + " to " + Integer.MAX_VALUE, value.asText());
        }
        return value.intValue();
    }

    /// A finite number above 0.
    double positive(String key, double otherwise) {
        JsonNode value = value(key);
        if (value.isMissingNode()) {
            return otherwise;
        }
        if (!value.isNumber()) {
            throw unexpected(key, "number", type(value));
        }
        double number = value.doubleValue();
        if (!(number > 0) || Double.isInfinite(number)) {
            throw unexpected(key, "a positive number", value.asText());
        }
        return number;
    }

    /// `length` finite numbers above 0.
    float[] positives(String key, int length) {
        JsonNode value = value(key);
        if (!value.isArray() || value.size() != length) {
            throw unexpected(
                    key,
                    "array of " + length + " numbers",
                    type(value) + (value.isArray() ? " of " + value.size() : ""));
        }
        float[] numbers = new float[length];
        for (int i = 0; i < length; i++) {
            JsonNode element = value.get(i);
            numbers[i] = element.isNumber() ? element.floatValue() : Float.NaN;
            if (!(numbers[i] > 0) || Float.isInfinite(numbers[i])) {
                throw unexpected(key + "[" + i + "]", "a positive number", element.asText(type(element)));
            }
        }
        return numbers;
    }

    /// `length` strings, each one of `known`.
    String[] texts(String key, int length, List<String> known) {
        JsonNode value = value(key);
        if (!value.isArray() || value.size() != length) {
            throw unexpected(
                    key,
                    "array of " + length + " strings",
                    type(value) + (value.isArray() ? " of " + value.size() : ""));
        }
        String[] texts = new String[length];
        Arrays.setAll(texts, i -> {
            String text = value.get(i).textValue();
            if (text == null || !known.contains(text)) {
                throw unexpected(
                        key + "[" + i + "]",
                        String.join(" or ", known),
                        value.get(i).asText());
            }
            return text;
        });
        return texts;
    }

    /// A value that must be one of a few.
    ModelFileException unexpected(String key, String expected, String found) {
        return new ModelFileException("configuration value is not usable: key=" + GgufCursor.printable(prefix + key)
                + ", expected=" + expected + ", found=" + GgufCursor.printable(found) + ", file=" + file);
    }

    private JsonNode value(String key) {
        JsonNode value = object.path(key);
        return value.isNull() ? MissingNode.getInstance() : value;
    }

    private static String type(JsonNode value) {
        return value.getNodeType() == JsonNodeType.MISSING
                ? "nothing"
                : value.getNodeType().name().toLowerCase(Locale.ROOT);
    }
}
