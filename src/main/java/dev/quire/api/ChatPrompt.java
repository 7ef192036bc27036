package dev.quire.api;

import dev.quire.engine.LoadedModel;
import dev.quire.tokenizer.ChatTemplateException;
import java.util.List;

/// Messages → prompt text, with the template's refusals as the client's errors.
final class ChatPrompt {
    private ChatPrompt() {}

    static String render(LoadedModel model, List<ChatMessage> messages, boolean addGenerationPrompt) {
        try {
            return model.chatTemplate()
                    .render(messages.stream().map(ChatMessage::variables).toList(), addGenerationPrompt);
        } catch (ChatTemplateException e) {
            throw ApiException.invalid(
                    "messages",
                    "messages must suit the model's chat template: reason="
                            + ApiException.excerpt(String.valueOf(e.getMessage()), 2 * ApiException.MAX_EXCERPT));
        }
    }
}
