package dev.quire.tokenizer;

/// A chat template does not take these messages, or cannot be rendered. The message is one line for the user.
public final class ChatTemplateException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public ChatTemplateException(String message) {
        super(message);
    }
}
