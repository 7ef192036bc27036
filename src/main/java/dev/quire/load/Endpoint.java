package dev.quire.load;

/// Which of OpenAI's two endpoints is loaded.
public enum Endpoint {
    /// Prompts are token ids.
    COMPLETIONS("/v1/completions"),
    /// Prompts are texts, one message of the user each.
    CHAT("/v1/chat/completions");

    private final String path;

    Endpoint(String path) {
        this.path = path;
    }

    String path() {
        return path;
    }
}
