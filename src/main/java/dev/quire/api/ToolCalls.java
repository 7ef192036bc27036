package dev.quire.api;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// The tools of a chat: those offered, and the calls of an assistant's message.
final class ToolCalls {
    /// Reads the arguments of a call. Strict: what follows the first value is an error.
    private static final ObjectMapper ARGUMENTS =
            new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private ToolCalls() {}

    /// The objects of an array; empty if it is absent or has none, which a client means the same by.
    static Optional<List<Map<String, Object>>> objects(RequestFields fields, String field) {
        if (!fields.present(field)) {
            return Optional.empty();
        }
        List<Map<String, Object>> objects = fields.objects(field).stream()
                .map(one -> PlainJson.map(one.object()))
                .toList();
        return objects.isEmpty() ? Optional.empty() : Optional.of(objects);
    }

    /// The calls with their arguments as an object, where OpenAI's clients send a text of JSON: templates look
    /// into it.
    static List<Map<String, Object>> calls(RequestFields message) {
        var calls = new ArrayList<Map<String, Object>>();
        for (RequestFields call : message.objects("tool_calls")) {
            Map<String, Object> plain = PlainJson.map(call.object());
            call.fields("function").ifPresent(function -> {
                Map<String, Object> copy = PlainJson.map(function.object());
                copy.put("arguments", arguments(function));
                plain.put("function", copy);
            });
            calls.add(plain);
        }
        return calls;
    }

    private static Object arguments(RequestFields function) {
        JsonNode node = function.node("arguments").orElse(null);
        if (node == null || node.isTextual() && node.textValue().isBlank()) {
            return Map.of();
        }
        if (!node.isTextual()) {
            return PlainJson.value(node);
        }
        try {
            return PlainJson.value(ARGUMENTS.readTree(node.textValue()));
        } catch (JsonProcessingException _) {
            throw ApiException.invalid(
                    function.name("arguments"),
                    function.name("arguments") + " must be a text of JSON: " + function.name("arguments") + "="
                            + RequestFields.describe(node));
        }
    }
}
