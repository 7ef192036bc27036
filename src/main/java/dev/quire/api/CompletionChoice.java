package dev.quire.api;

import dev.quire.engine.GenerationEvent;
import dev.quire.engine.TokenLogprob;
import dev.quire.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// One choice of a completion: its events as pieces of text. An echoed prompt is the first piece. Not thread-safe: one
/// request owns it.
final class CompletionChoice {
    /// A part of the text with its log-probabilities, null where they were not asked for.
    record Piece(String text, CompletionLogprobs logprobs) {}

    private final CompletionRequest request;
    private final int[] prompt;
    private final Tokenizer tokenizer;
    private final CompletionLogprobsWriter logprobs;
    private final List<Piece> collected = new ArrayList<>();
    private GenerationEvent.Finished end;
    private boolean echoDue;
    private int textLength; // in code points

    CompletionChoice(CompletionRequest request, int[] prompt, Tokenizer tokenizer) {
        this.request = request;
        this.prompt = prompt;
        this.tokenizer = tokenizer;
        this.logprobs = new CompletionLogprobsWriter(new TokenText(tokenizer));
        this.echoDue = request.echo();
    }

    boolean echoDue() {
        return echoDue;
    }

    /// The pieces that `event` adds.
    List<Piece> pieces(GenerationEvent event) {
        var added = new ArrayList<Piece>(2);
        if (echoDue) {
            echoDue = false;
            added.add(echo(event instanceof GenerationEvent.PromptScored scored ? scored.tokens() : List.of()));
        }
        if (event instanceof GenerationEvent.Delta delta
                && (!delta.text().isEmpty()
                        || (request.wantsLogprobs() && !delta.logprobs().isEmpty()))) {
            added.add(piece(delta));
        }
        return added;
    }

    /// Keeps what `event` adds.
    void collect(GenerationEvent event) {
        collected.addAll(pieces(event));
        if (event instanceof GenerationEvent.Finished finished) {
            end = finished;
        }
    }

    /// Mean log-probability of the tokens drawn; 0 if there are none. Once it has ended.
    double meanLogprob() {
        return end.logprobSum() / Math.max(1, end.completionTokens());
    }

    /// All of it, once it has ended, as number `index` of the answer.
    CompletionResponse.Choice whole(int index) {
        var text = new StringBuilder();
        collected.forEach(piece -> text.append(piece.text()));
        return new CompletionResponse.Choice(
                index, text.toString(), request.wantsLogprobs() ? joined() : null, reason(end), score(end));
    }

    static String reason(GenerationEvent.Finished end) {
        return end.reason().name().toLowerCase(Locale.ROOT);
    }

    /// Null if no search found it.
    static Double score(GenerationEvent.Finished end) {
        return end.score().isPresent() ? Double.valueOf(end.score().getAsDouble()) : null;
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
        if (request.wantsLogprobs()) {
            delta.logprobs().forEach(logprobs::add);
        }
        textLength += delta.text().codePointCount(0, delta.text().length());
        return new Piece(delta.text(), request.wantsLogprobs() ? logprobs.take() : null);
    }

    private CompletionLogprobs joined() {
        var joined = new CompletionLogprobs(new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
        for (Piece piece : collected) {
            joined.tokens().addAll(piece.logprobs().tokens());
            joined.tokenLogprobs().addAll(piece.logprobs().tokenLogprobs());
            joined.topLogprobs().addAll(piece.logprobs().topLogprobs());
            joined.textOffsets().addAll(piece.logprobs().textOffsets());
        }
        return joined;
    }
}
