package dev.quire.api;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.stream.IntStream;

/// The fields of one JSON object, each read as the one type it may have. A field that is absent or null means its
/// default; nothing is coerced; fields that nobody asks for are ignored. `path` stands before a field's name in
/// messages: `messages[0].`.
record RequestFields(ObjectNode object, String path) {
    RequestFields(ObjectNode object) {
        this(object, "");
    }

    /// The parameter's name as messages and `param` show it.
    String name(String field) {
        return path + field;
    }

    /// The field's value, if it is there and not null.
    Optional<JsonNode> node(String field) {
        JsonNode node = object.get(field);
        return node == null || node.isNull() ? Optional.empty() : Optional.of(node);
    }

    boolean present(String field) {
        return node(field).isPresent();
    }

    Optional<String> text(String field) {
        return node(field).map(node -> {
            if (!node.isTextual()) {
                throw wrongType(name(field), "a string", node);
            }
            return node.textValue();
        });
    }

    boolean flag(String field, boolean fallback) {
        return node(field)
                .map(node -> {
                    if (!node.isBoolean()) {
                        throw wrongType(name(field), "true or false", node);
                    }
                    return node.booleanValue();
                })
                .orElse(fallback);
    }

    OptionalInt integer(String field) {
        return node(field)
                .map(node -> OptionalInt.of(integer(name(field), node)))
                .orElse(OptionalInt.empty());
    }

    /// An integer in `low … high`.
    OptionalInt integer(String field, int low, int high) {
        OptionalInt value = integer(field);
        if (value.isPresent() && (value.getAsInt() < low || value.getAsInt() > high)) {
            throw ApiException.invalid(
                    name(field),
                    name(field) + " must be between " + low + " and " + high + ": " + name(field) + "="
                            + value.getAsInt());
        }
        return value;
    }

    OptionalLong longInteger(String field) {
        return node(field)
                .map(node -> {
                    if (!node.isIntegralNumber() || !node.canConvertToLong()) {
                        throw wrongType(name(field), "an integer of 64 bits", node);
                    }
                    return OptionalLong.of(node.longValue());
                })
                .orElse(OptionalLong.empty());
    }

    /// A number; one that no double can hold is infinite, and the record that takes it refuses that.
    float number(String field, float fallback) {
        return node(field).map(node -> number(name(field), node)).orElse(fallback);
    }

    Optional<RequestFields> fields(String field) {
        return node(field).map(node -> fieldsOf(name(field), node));
    }

    /// Each element of an array as an object.
    List<RequestFields> objects(String field) {
        JsonNode array = array(field);
        return IntStream.range(0, array.size())
                .mapToObj(i -> fieldsOf(name(field) + "[" + i + "]", array.get(i)))
                .toList();
    }

    /// An array of token ids.
    int[] tokens(String field) {
        return tokens(name(field), array(field));
    }

    /// Token id → number, with the ids as JSON writes keys: strings.
    Map<Integer, Float> biases(String field) {
        return fields(field).map(RequestFields::biases).orElse(Map.of());
    }

    private Map<Integer, Float> biases() {
        String parameter = path.substring(0, path.length() - 1);
        var biases = new HashMap<Integer, Float>();
        for (Map.Entry<String, JsonNode> entry : object.properties()) {
            int token;
            try {
                token = Integer.parseInt(entry.getKey());
            } catch (NumberFormatException _) {
                throw ApiException.invalid(
                        parameter,
                        parameter + " must have token ids as keys: key="
                                + ApiException.excerpt(entry.getKey(), ApiException.MAX_EXCERPT));
            }
            biases.put(token, number(parameter, entry.getValue()));
        }
        return biases;
    }

    private JsonNode array(String field) {
        JsonNode node = node(field).orElseThrow(() -> missing(field));
        if (!node.isArray()) {
            throw wrongType(name(field), "an array", node);
        }
        return node;
    }

    private static RequestFields fieldsOf(String name, JsonNode node) {
        if (node instanceof ObjectNode object) {
            return new RequestFields(object, name + ".");
        }
        throw wrongType(name, "an object", node);
    }

    static int[] tokens(String name, JsonNode array) {
        var tokens = new int[array.size()];
        for (int i = 0; i < tokens.length; i++) {
            JsonNode node = array.get(i);
            if (!node.isIntegralNumber() || !node.canConvertToInt()) {
                throw ApiException.invalid(
                        name, name + " must be token ids: " + name + "[" + i + "]=" + describe(node));
            }
            tokens[i] = node.intValue();
        }
        return tokens;
    }

    private static int integer(String name, JsonNode node) {
        if (!node.isIntegralNumber()) {
            throw wrongType(name, "an integer", node);
        }
        if (!node.canConvertToInt()) {
            throw ApiException.invalid(
                    name,
                    name + " must be between " + Integer.MIN_VALUE + " and " + Integer.MAX_VALUE + ": " + name + "="
                            + describe(node));
        }
        return node.intValue();
    }

    private static float number(String name, JsonNode node) {
        if (!node.isNumber()) {
            throw wrongType(name, "a number", node);
        }
        return (float) node.doubleValue();
    }

    ApiException missing(String field) {
        return ApiException.impossible(
                name(field), "missing_required_parameter", name(field) + " must be given: " + name(field) + "=null");
    }

    static ApiException wrongType(String name, String type, JsonNode node) {
        return ApiException.impossible(
                name, "invalid_type", name + " must be " + type + ": " + name + "=" + describe(node));
    }

    /// The value for a message: short, whatever was sent.
    static String describe(JsonNode node) {
        if (node.isArray()) {
            return "an array of " + node.size();
        }
        if (node.isObject()) {
            return "an object of " + node.size();
        }
        String text = ApiException.excerpt(node.asText(), ApiException.MAX_EXCERPT);
        return node.isTextual() ? '"' + text + '"' : text;
    }
}
