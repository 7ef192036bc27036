package dev.quire.api;

import dev.quire.engine.GenerationEvent;
import dev.quire.engine.TokenLogprob;
import dev.quire.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// The answer to `POST /v1/completions`. An echoed prompt is the text's first piece.
final class CompletionAnswer implements Answer {
    /// A part of the answer's text with its log-probabilities, null where they were not asked for.
    private record Piece(String text, CompletionLogprobs logprobs) {}

    private final AnswerHead head;
    private final CompletionRequest request;
    private final int[] prompt;
    private final Tokenizer tokenizer;
    private final CompletionLogprobsWriter logprobs;

    private final List<Piece> pieces = new ArrayList<>();
    private GenerationEvent.Finished finished;
    private boolean echoDue;
    private int textLength; // in code points

    CompletionAnswer(AnswerHead head, CompletionRequest request, int[] prompt, Tokenizer tokenizer) {
        this.head = head;
        this.request = request;
        this.prompt = prompt;
        this.tokenizer = tokenizer;
        this.logprobs = new CompletionLogprobsWriter(new TokenText(tokenizer));
        this.echoDue = request.echo();
    }

    @Override
    public List<Object> opening() {
        return List.of();
    }

    @Override
    public List<Object> chunks(GenerationEvent event) {
        var chunks = new ArrayList<Object>();
        for (Piece piece : pieces(event)) {
            chunks.add(chunk(new CompletionResponse.Choice(0, piece.text(), piece.logprobs(), null)));
        }
        if (event instanceof GenerationEvent.Finished end) {
            chunks.add(chunk(new CompletionResponse.Choice(0, "", null, reason(end))));
            if (request.parameters().includeUsage()) {
                chunks.add(CompletionResponse.of(head, List.of(), usage(end).known()));
            }
        }
        return chunks;
    }

    @Override
    public boolean onlyText(GenerationEvent.Delta delta) {
        return !echoDue && !request.wantsLogprobs() && !delta.text().isEmpty();
    }

    @Override
    public Object textChunk(String text) {
        return chunk(new CompletionResponse.Choice(0, text, null, null));
    }

    @Override
    public void collect(GenerationEvent event) {
        pieces.addAll(pieces(event));
        if (event instanceof GenerationEvent.Finished end) {
            finished = end;
        }
    }

    @Override
    public Object whole() {
        var text = new StringBuilder();
        pieces.forEach(piece -> text.append(piece.text()));
        var choice = new CompletionResponse.Choice(
                0, text.toString(), request.wantsLogprobs() ? joined() : null, reason(finished));
        return CompletionResponse.of(head, List.of(choice), usage(finished).known());
    }

    private List<Piece> pieces(GenerationEvent event) {
        var added = new ArrayList<Piece>(2);
        if (echoDue) {
            echoDue = false;
            added.add(echo(event instanceof GenerationEvent.PromptScored scored ? scored.tokens() : List.of()));
        }
        if (event instanceof GenerationEvent.Delta delta
                && (!delta.text().isEmpty() || !delta.logprobs().isEmpty())) {
            added.add(piece(delta));
        }
        return added;
    }

    private Piece echo(List<TokenLogprob> scored) {
        String text = request.prompt().text(tokenizer);
        textLength = text.codePointCount(0, text.length());
        if (!request.wantsLogprobs()) {
            return new Piece(text, null);
        }
        String first = tokenizer.decode(new int[] {prompt[0]});
        logprobs.addFirst(prompt[0], !tokenizer.isControl(prompt[0]) || text.startsWith(first));
        scored.forEach(logprobs::add);
        return new Piece(text, logprobs.take());
    }

    private Piece piece(GenerationEvent.Delta delta) {
        logprobs.moveTo(textLength);
        delta.logprobs().forEach(logprobs::add);
        textLength += delta.text().codePointCount(0, delta.text().length());
        return new Piece(delta.text(), request.wantsLogprobs() ? logprobs.take() : null);
    }

    private CompletionLogprobs joined() {
        var joined = new CompletionLogprobs(new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
        for (Piece piece : pieces) {
            joined.tokens().addAll(piece.logprobs().tokens());
            joined.tokenLogprobs().addAll(piece.logprobs().tokenLogprobs());
            joined.topLogprobs().addAll(piece.logprobs().topLogprobs());
            joined.textOffsets().addAll(piece.logprobs().textOffsets());
        }
        return joined;
    }

    private CompletionResponse chunk(CompletionResponse.Choice choice) {
        Map<String, Usage> usage = Usage.pending(request.parameters().includeUsage());
        return CompletionResponse.of(head, List.of(choice), usage);
    }

    private Usage usage(GenerationEvent.Finished end) {
        return Usage.of(prompt.length, end.completionTokens());
    }

    private static String reason(GenerationEvent.Finished end) {
        return end.reason().name().toLowerCase(Locale.ROOT);
    }
}
