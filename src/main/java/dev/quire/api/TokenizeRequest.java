package dev.quire.api;

import dev.quire.engine.LoadedModel;
import java.util.Optional;

/// The body of `POST /tokenize`, in vLLM's two forms: a text, or the messages of a chat.
sealed interface TokenizeRequest {
    Optional<String> model();

    record OfText(Optional<String> model, String prompt, boolean addSpecialTokens) implements TokenizeRequest {}

    record OfChat(Optional<String> model, ChatPrompt prompt, boolean addGenerationPrompt, boolean addSpecialTokens)
            implements TokenizeRequest {}

    static TokenizeRequest parse(RequestFields fields) {
        Optional<String> model = fields.text("model");
        if (fields.present("messages")) {
            // A template writes the special tokens itself.
            return new OfChat(
                    model,
                    ChatPrompt.parse(fields),
                    fields.flag("add_generation_prompt", true),
                    fields.flag("add_special_tokens", false));
        }
        String prompt = fields.text("prompt").orElseThrow(() -> fields.missing("prompt"));
        return new OfText(model, prompt, fields.flag("add_special_tokens", true));
    }

    /// Takes time in proportion to the text's length: not for an event loop.
    default int[] encode(LoadedModel served) {
        return switch (this) {
            case OfText text -> served.tokenizer().encode(text.prompt(), text.addSpecialTokens());
            case OfChat chat ->
                served.tokenizer()
                        .encode(chat.prompt().render(served, chat.addGenerationPrompt()), chat.addSpecialTokens());
        };
    }
}
