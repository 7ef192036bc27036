package dev.quire.api;

import dev.quire.engine.GenerationEvent;
import dev.quire.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// The answer to `POST /v1/completions`: as many choices as are asked for, or the best of more, best first.
final class CompletionAnswer implements Answer {
    private final AnswerHead head;
    private final CompletionRequest request;
    private final AnswerCost cost;
    private final List<CompletionChoice> choices;

    CompletionAnswer(AnswerHead head, CompletionRequest request, int[] prompt, Tokenizer tokenizer) {
        this.head = head;
        this.request = request;
        this.cost = new AnswerCost(prompt.length, choices());
        this.choices = Stream.generate(() -> new CompletionChoice(request, prompt, tokenizer))
                .limit(choices())
                .toList();
    }

    @Override
    public String id() {
        return head.id();
    }

    @Override
    public int choices() {
        return request.bestOf();
    }

    @Override
    public List<Object> opening() {
        return List.of();
    }

    @Override
    public List<Object> chunks(GenerationEvent event) {
        return switch (event) {
            case GenerationEvent.PromptScored scored -> said(scored.choice(), scored);
            case GenerationEvent.Delta delta -> said(delta.choice(), delta);
            case GenerationEvent.Finished end -> ending(end);
            case GenerationEvent.Failed _ -> List.of();
        };
    }

    private List<Object> said(int choice, GenerationEvent event) {
        var chunks = new ArrayList<Object>();
        for (CompletionChoice.Piece piece : choices.get(choice).pieces(event)) {
            chunks.add(chunk(new CompletionResponse.Choice(choice, piece.text(), piece.logprobs())));
        }
        return chunks;
    }

    private List<Object> ending(GenerationEvent.Finished end) {
        cost.add(end);
        List<Object> chunks = said(end.choice(), end);
        chunks.add(chunk(new CompletionResponse.Choice(
                end.choice(), "", null, CompletionChoice.reason(end), CompletionChoice.score(end))));
        if (over() && request.parameters().includeUsage()) {
            chunks.add(CompletionResponse.of(head, List.of(), cost.usage().known()));
        }
        return chunks;
    }

    @Override
    public boolean onlyText(GenerationEvent.Delta delta) {
        return !request.wantsLogprobs()
                && !delta.text().isEmpty()
                && !choices.get(delta.choice()).echoDue();
    }

    @Override
    public Object textChunk(int choice, String text) {
        return chunk(new CompletionResponse.Choice(choice, text, null));
    }

    @Override
    public void collect(GenerationEvent event) {
        switch (event) {
            case GenerationEvent.PromptScored scored ->
                choices.get(scored.choice()).collect(scored);
            case GenerationEvent.Delta delta -> choices.get(delta.choice()).collect(delta);
            case GenerationEvent.Finished end -> {
                choices.get(end.choice()).collect(end);
                cost.add(end);
            }
            case GenerationEvent.Failed _ -> {}
        }
    }

    @Override
    public boolean over() {
        return cost.complete();
    }

    @Override
    public Object whole() {
        List<CompletionChoice> shown = best();
        List<CompletionResponse.Choice> whole = IntStream.range(0, shown.size())
                .mapToObj(index -> shown.get(index).whole(index))
                .toList();
        return CompletionResponse.of(head, whole, cost.usage().known());
    }

    /// All in the order of their seeds where none is left out; of equals the one that comes first in it.
    private List<CompletionChoice> best() {
        int n = request.parameters().n();
        if (n == choices()) {
            return choices;
        }
        return choices.stream()
                .sorted(Comparator.comparingDouble(CompletionChoice::meanLogprob)
                        .reversed())
                .limit(n)
                .toList();
    }

    private CompletionResponse chunk(CompletionResponse.Choice choice) {
        Map<String, Usage> usage = Usage.pending(request.parameters().includeUsage());
        return CompletionResponse.of(head, List.of(choice), usage);
    }
}
