package dev.quire.api;

import dev.quire.engine.GenerationEvent;
import dev.quire.engine.TokenLogprob;
import dev.quire.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// The answer to `POST /v1/chat/completions`. A choice's first chunk in a stream names the role, its last one the
/// reason.
final class ChatAnswer implements Answer {
    private static final String ROLE = "assistant";

    private final AnswerHead head;
    private final ChatCompletionRequest request;
    private final TokenText texts;
    private final AnswerCost cost;
    private final List<Collected> collected;

    /// What one choice has said.
    private static final class Collected {
        private final StringBuilder text = new StringBuilder();
        private final List<TokenLogprob> logprobs = new ArrayList<>();
        private GenerationEvent.Finished end;
    }

    ChatAnswer(AnswerHead head, ChatCompletionRequest request, int promptTokens, Tokenizer tokenizer) {
        this.head = head;
        this.request = request;
        this.texts = new TokenText(tokenizer);
        this.cost = new AnswerCost(promptTokens, choices());
        this.collected = Stream.generate(Collected::new).limit(choices()).toList();
    }

    @Override
    public String id() {
        return head.id();
    }

    @Override
    public int choices() {
        return request.parameters().n();
    }

    @Override
    public List<Object> opening() {
        var delta = new LinkedHashMap<String, String>();
        delta.put("role", ROLE);
        delta.put("content", "");
        return IntStream.range(0, choices())
                .<Object>mapToObj(choice -> chunk(new ChatCompletionChunk.Choice(choice, delta, null)))
                .toList();
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
    public Object textChunk(int choice, String content) {
        return chunk(new ChatCompletionChunk.Choice(choice, Map.of("content", content), null));
    }

    @Override
    public void collect(GenerationEvent event) {
        switch (event) {
            case GenerationEvent.Delta delta -> {
                Collected choice = collected.get(delta.choice());
                choice.text.append(delta.text());
                choice.logprobs.addAll(delta.logprobs());
            }
            case GenerationEvent.Finished end -> {
                collected.get(end.choice()).end = end;
                cost.add(end);
            }
            case GenerationEvent.PromptScored _, GenerationEvent.Failed _ -> {}
        }
    }

    @Override
    public boolean over() {
        return cost.complete();
    }

    @Override
    public Object whole() {
        return ChatCompletionResponse.of(
                head, collected.stream().map(this::choice).toList(), cost.usage());
    }

    private ChatCompletionResponse.Choice choice(Collected choice) {
        return new ChatCompletionResponse.Choice(
                choice.end.choice(),
                new ChatCompletionResponse.Message(ROLE, choice.text.toString()),
                request.wantsLogprobs() ? scored(choice.logprobs) : null,
                reason(choice.end),
                CompletionChoice.score(choice.end));
    }

    private List<Object> content(GenerationEvent.Delta delta) {
        if (delta.text().isEmpty() && delta.logprobs().isEmpty()) {
            return List.of();
        }
        ChatLogprobs scores = request.wantsLogprobs() ? scored(delta.logprobs()) : null;
        return List.of(chunk(new ChatCompletionChunk.Choice(delta.choice(), Map.of("content", delta.text()), scores)));
    }

    private List<Object> ending(GenerationEvent.Finished end) {
        cost.add(end);
        var chunks = new ArrayList<Object>();
        chunks.add(chunk(new ChatCompletionChunk.Choice(
                end.choice(), Map.of(), null, reason(end), CompletionChoice.score(end))));
        if (over() && request.parameters().includeUsage()) {
            chunks.add(ChatCompletionChunk.of(head, List.of(), cost.usage().known()));
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

    private static String reason(GenerationEvent.Finished end) {
        return end.reason().name().toLowerCase(Locale.ROOT);
    }
}
