package dev.quire.api;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// One message of a chat, its text parts joined. Which roles may follow which is the template's to say.
///
/// - `variables`: all fields of the message as a template sees them, in the order sent, without those that are
///   null
record ChatMessage(String role, String content, Map<String, Object> variables) {
    private static final Set<String> ROLES = Set.of("system", "user", "assistant", "tool", "function");

    /// Most messages of one chat.
    static final int MAX_MESSAGES = 10_000;

    /// The messages of a body: at least one.
    static List<ChatMessage> parseAll(RequestFields fields) {
        List<RequestFields> messages = fields.objects("messages");
        if (messages.isEmpty() || messages.size() > MAX_MESSAGES) {
            throw ApiException.invalid(
                    "messages",
                    "messages must be 1 to " + MAX_MESSAGES + " messages: messages.length=" + messages.size());
        }
        return messages.stream().map(ChatMessage::parse).toList();
    }

    static ChatMessage parse(RequestFields fields) {
        String role = fields.text("role").orElseThrow(() -> fields.missing("role"));
        // OpenAI's newer word for the same role; templates know the older one.
        if (role.equals("developer")) {
            role = "system";
        }
        if (!ROLES.contains(role)) {
            throw ApiException.invalid(
                    fields.name("role"),
                    fields.name("role") + " must be system, developer, user, assistant, tool or function: "
                            + fields.name("role") + "=" + ApiException.excerpt(role, ApiException.MAX_EXCERPT));
        }
        String content = content(fields, role);
        return new ChatMessage(role, content, variables(fields, role, content));
    }

    private static Map<String, Object> variables(RequestFields fields, String role, String content) {
        fields.text("name");
        var variables = new LinkedHashMap<String, Object>();
        for (Map.Entry<String, JsonNode> field : fields.object().properties()) {
            switch (field.getKey()) {
                case "role" -> variables.put("role", role);
                case "content" -> variables.put("content", content);
                default -> {
                    if (!field.getValue().isNull()) {
                        variables.put(field.getKey(), PlainJson.value(field.getValue()));
                    }
                }
            }
        }
        variables.putIfAbsent("content", content);
        if (fields.present("tool_calls")) {
            List<Map<String, Object>> calls = ToolCalls.calls(fields);
            variables.put("tool_calls", calls);
            if (calls.isEmpty()) {
                variables.remove("tool_calls"); // some templates take the key alone for a call
            }
        }
        return variables;
    }

    private static String content(RequestFields fields, String role) {
        JsonNode node = fields.node("content").orElse(null);
        if (node == null) {
            // An assistant that called a tool said nothing.
            if (role.equals("assistant")) {
                return "";
            }
            throw fields.missing("content");
        }
        if (node.isTextual()) {
            return node.textValue();
        }
        if (!node.isArray()) {
            throw RequestFields.wrongType(fields.name("content"), "a string or an array of text parts", node);
        }
        var texts = new ArrayList<String>();
        for (RequestFields part : fields.objects("content")) {
            String type = part.text("type").orElseThrow(() -> part.missing("type"));
            if (!type.equals("text")) {
                throw ApiException.invalid(
                        part.name("type"),
                        part.name("type") + " must be text: " + part.name("type") + "="
                                + ApiException.excerpt(type, ApiException.MAX_EXCERPT));
            }
            texts.add(part.text("text").orElseThrow(() -> part.missing("text")));
        }
        return String.join("\n", texts);
    }
}
