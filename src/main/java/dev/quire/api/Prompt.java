package dev.quire.api;

import com.fasterxml.jackson.databind.JsonNode;
import dev.quire.tokenizer.Tokenizer;

/// What `prompt` may be: text, or token ids. OpenAI's arrays of several prompts are taken with one element only.
sealed interface Prompt {
    record Text(String text) implements Prompt {}

    record Tokens(int[] tokens) implements Prompt {}

    static Prompt parse(RequestFields fields) {
        JsonNode node = fields.node("prompt").orElseThrow(() -> fields.missing("prompt"));
        if (node.isTextual()) {
            return text(node);
        }
        if (!node.isArray()) {
            throw RequestFields.wrongType("prompt", "a string or an array", node);
        }
        if (node.isEmpty()) {
            throw ApiException.invalid("prompt", "prompt must not be empty: prompt.length=0");
        }
        JsonNode first = node.get(0);
        if (!first.isTextual() && !first.isArray()) {
            return tokens(node);
        }
        if (node.size() > 1) {
            throw ApiException.invalid("prompt", "prompt must be one prompt: prompt.length=" + node.size());
        }
        return first.isTextual() ? text(first) : tokens(first);
    }

    private static Prompt text(JsonNode node) {
        if (node.textValue().isEmpty()) {
            throw ApiException.invalid("prompt", "prompt must not be empty: prompt.length=0");
        }
        return new Text(node.textValue());
    }

    private static Prompt tokens(JsonNode array) {
        if (array.isEmpty()) {
            throw ApiException.invalid("prompt", "prompt must not be empty: prompt.length=0");
        }
        return new Tokens(RequestFields.tokens("prompt", array));
    }

    /// The prompt's token ids. Takes time in proportion to its length: not for an event loop.
    default int[] encode(Tokenizer tokenizer, boolean addSpecialTokens) {
        return switch (this) {
            case Text(var text) -> tokenizer.encode(text, addSpecialTokens);
            case Tokens(var tokens) -> checked("prompt", tokens, tokenizer.vocabulary());
        };
    }

    /// The prompt as `echo` repeats it.
    default String text(Tokenizer tokenizer) {
        return switch (this) {
            case Text(var text) -> text;
            case Tokens(var tokens) -> tokenizer.decode(tokens);
        };
    }

    /// `tokens`, if the model has them all.
    static int[] checked(String param, int[] tokens, int vocabulary) {
        for (int i = 0; i < tokens.length; i++) {
            if (tokens[i] < 0 || tokens[i] >= vocabulary) {
                throw ApiException.invalid(
                        param,
                        param + " must be token ids of the model: " + param + "[" + i + "]=" + tokens[i]
                                + ", vocabulary=" + vocabulary);
            }
        }
        return tokens;
    }
}
