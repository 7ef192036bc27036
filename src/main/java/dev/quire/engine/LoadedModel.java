package dev.quire.engine;

import dev.quire.tokenizer.ChatTemplate;
import dev.quire.tokenizer.Tokenizer;

/// The model that the engine serves. `createdSeconds`: Unix time of its file, which is what `GET /v1/models` says.
public record LoadedModel(
        String name,
        Tokenizer tokenizer,
        ChatTemplate chatTemplate,
        int contextLength,
        int vocabulary,
        long createdSeconds) {}
