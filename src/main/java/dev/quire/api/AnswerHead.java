package dev.quire.api;

import java.util.UUID;

/// What every chunk of an answer repeats. `createdSeconds`: Unix time.
record AnswerHead(String id, long createdSeconds, String model) {
    /// The head of a new answer: `prefix` is `cmpl-` or `chatcmpl-`.
    static AnswerHead next(String prefix, String model) {
        String id = prefix + UUID.randomUUID().toString().replace("-", "");
        return new AnswerHead(id, System.currentTimeMillis() / 1000, model);
    }
}
