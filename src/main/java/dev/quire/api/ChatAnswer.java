package dev.quire.api;

import dev.quire.engine.GenerationEvent;
import dev.quire.engine.TokenLogprob;
import dev.quire.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// The answer to `POST /v1/chat/completions`. A stream's first chunk names the role, the last one of its choice the
/// reason.
final class ChatAnswer implements Answer {
    private static final String ROLE = "assistant";

    private final AnswerHead head;
    private final ChatCompletionRequest request;
    private final int promptTokens;
    private final TokenText texts;

    private final StringBuilder text = new StringBuilder();
    private final List<TokenLogprob> logprobs = new ArrayList<>();
    private GenerationEvent.Finished finished;

    ChatAnswer(AnswerHead head, ChatCompletionRequest request, int promptTokens, Tokenizer tokenizer) {
        this.head = head;
        this.request = request;
        this.promptTokens = promptTokens;
        this.texts = new TokenText(tokenizer);
    }

    @Override
    public List<Object> opening() {
        var delta = new LinkedHashMap<String, String>();
        delta.put("role", ROLE);
        delta.put("content", "");
        return List.of(chunk(new ChatCompletionChunk.Choice(0, delta, null, null)));
    }

    @Override
    public List<Object> chunks(GenerationEvent event) {
        return switch (event) {
            case GenerationEvent.Delta delta -> content(delta);
            case GenerationEvent.Finished end -> ending(end);
            case GenerationEvent.PromptScored _, GenerationEvent.Failed _ -> List.of();
        };
    }

    @Override
    public boolean onlyText(GenerationEvent.Delta delta) {
        return !request.wantsLogprobs() && !delta.text().isEmpty();
    }

    @Override
    public Object textChunk(String content) {
        return chunk(new ChatCompletionChunk.Choice(0, Map.of("content", content), null, null));
    }

    @Override
    public void collect(GenerationEvent event) {
        switch (event) {
            case GenerationEvent.Delta delta -> {
                text.append(delta.text());
                logprobs.addAll(delta.logprobs());
            }
            case GenerationEvent.Finished end -> finished = end;
            case GenerationEvent.PromptScored _, GenerationEvent.Failed _ -> {}
        }
    }

    @Override
    public Object whole() {
        var choice = new ChatCompletionResponse.Choice(
                0,
                new ChatCompletionResponse.Message(ROLE, text.toString()),
                request.wantsLogprobs() ? scored(logprobs) : null,
                reason(finished));
        return ChatCompletionResponse.of(head, choice, usage(finished));
    }

    private List<Object> content(GenerationEvent.Delta delta) {
        if (delta.text().isEmpty() && delta.logprobs().isEmpty()) {
            return List.of();
        }
        ChatLogprobs scores = request.wantsLogprobs() ? scored(delta.logprobs()) : null;
        return List.of(chunk(new ChatCompletionChunk.Choice(0, Map.of("content", delta.text()), scores, null)));
    }

    private List<Object> ending(GenerationEvent.Finished end) {
        var chunks = new ArrayList<Object>();
        chunks.add(chunk(new ChatCompletionChunk.Choice(0, Map.of(), null, reason(end))));
        if (request.parameters().includeUsage()) {
            chunks.add(ChatCompletionChunk.of(head, List.of(), usage(end).known()));
        }
        return chunks;
    }

    private ChatLogprobs scored(List<TokenLogprob> scores) {
        return ChatLogprobs.of(scores, texts);
    }

    private ChatCompletionChunk chunk(ChatCompletionChunk.Choice choice) {
        return ChatCompletionChunk.of(
                head, List.of(choice), Usage.pending(request.parameters().includeUsage()));
    }

    private Usage usage(GenerationEvent.Finished end) {
        return Usage.of(promptTokens, end.completionTokens());
    }

    private static String reason(GenerationEvent.Finished end) {
        return end.reason().name().toLowerCase(Locale.ROOT);
    }
}
