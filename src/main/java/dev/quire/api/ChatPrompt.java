package dev.quire.api;

import dev.quire.engine.LoadedModel;
import dev.quire.tokenizer.Chat;
import dev.quire.tokenizer.ChatTemplateException;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// What a body says for the chat template. With {@link #render}, messages → prompt text, with the template's
/// refusals as the client's errors.
///
/// - `tools`, `documents`: empty = none
/// - `variables`: `chat_template_kwargs`, what the template reads beyond the chat
record ChatPrompt(
        List<ChatMessage> messages,
        Optional<List<Map<String, Object>>> tools,
        Optional<List<Map<String, Object>>> documents,
        Map<String, Object> variables) {
    static ChatPrompt parse(RequestFields fields) {
        return new ChatPrompt(
                ChatMessage.parseAll(fields),
                ToolCalls.objects(fields, "tools"),
                ToolCalls.objects(fields, "documents"),
                fields.fields("chat_template_kwargs")
                        .map(kwargs -> PlainJson.map(kwargs.object()))
                        .orElse(Map.of()));
    }

    String render(LoadedModel model, boolean addGenerationPrompt) {
        var chat = new Chat(
                messages.stream().map(ChatMessage::variables).toList(),
                tools,
                documents,
                addGenerationPrompt,
                variables);
        try {
            return model.chatTemplate().render(chat);
        } catch (ChatTemplateException e) {
            throw ApiException.invalid(
                    "messages",
                    "messages must suit the model's chat template: reason="
                            + ApiException.excerpt(String.valueOf(e.getMessage()), 2 * ApiException.MAX_EXCERPT));
        }
    }
}
