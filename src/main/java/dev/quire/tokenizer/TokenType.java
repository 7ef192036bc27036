package dev.quire.tokenizer;

import dev.quire.format.ModelFileException;
import java.nio.file.Path;

/// What a token of a GGUF vocabulary is, in the order of GGUF's numbers 1 … 6 (`tokenizer.ggml.token_type`).
enum TokenType {
    NORMAL,
    UNKNOWN,
    CONTROL,
    USER_DEFINED,
    UNUSED,
    BYTE;

    static TokenType of(long number, int token, Path file) {
        if (number < 1 || number > values().length) {
            throw new ModelFileException("token type must be 1 to " + values().length + ": type=" + number + ", token="
                    + token + ", file=" + file);
        }
        return values()[(int) number - 1];
    }

    /// The number that GGUF and SentencePiece have for it.
    long number() {
        return ordinal() + 1;
    }

    /// Whether the name is found in a text before anything else is done to it (an "added token" of Hugging Face).
    boolean isAdded() {
        return this == CONTROL || this == USER_DEFINED || this == UNKNOWN;
    }
}
