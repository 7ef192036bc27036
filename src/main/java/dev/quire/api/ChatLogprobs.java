package dev.quire.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.quire.engine.TokenLogprob;
import java.util.ArrayList;
import java.util.List;

/// Log-probabilities of a chat's answer: one entry a token.
public record ChatLogprobs(@JsonProperty("content") List<Token> content) {
    /// A token that was chosen.
    public record Token(
            @JsonProperty("token") String token,
            @JsonProperty("logprob") float logprob,
            @JsonProperty("bytes") int[] bytes,
            @JsonProperty("top_logprobs") List<Alternative> topLogprobs) {}

    /// A token that was likely.
    public record Alternative(
            @JsonProperty("token") String token,
            @JsonProperty("logprob") float logprob,
            @JsonProperty("bytes") int[] bytes) {}

    static ChatLogprobs of(List<TokenLogprob> logprobs, TokenText texts) {
        return new ChatLogprobs(
                logprobs.stream().map(logprob -> token(logprob, texts)).toList());
    }

    private static Token token(TokenLogprob logprob, TokenText texts) {
        var alternatives = new ArrayList<Alternative>();
        for (int i = 0; i < logprob.topTokens().length; i++) {
            int token = logprob.topTokens()[i];
            alternatives.add(new Alternative(texts.text(token), logprob.topLogprobs()[i], texts.bytes(token)));
        }
        return new Token(texts.text(logprob.token()), logprob.logprob(), texts.bytes(logprob.token()), alternatives);
    }
}
