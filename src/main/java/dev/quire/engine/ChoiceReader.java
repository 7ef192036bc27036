package dev.quire.engine;

import dev.quire.engine.GenerationEvent.Delta;
import dev.quire.engine.GenerationEvent.Failed;
import dev.quire.engine.GenerationEvent.Finished;
import dev.quire.engine.GenerationEvent.PromptScored;
import dev.quire.engine.GenerationEvent.Reason;
import dev.quire.scheduler.Sequence;
import dev.quire.scheduler.TokenBuffer;
import java.util.List;

/// Makes the events of one choice out of its sequence's token buffer, one at a time. Not thread-safe: the thread that
/// drains the stream has it.
final class ChoiceReader {
    private final int choice;
    private final Sequence sequence;
    private final PromptScores promptScores;
    private final AnswerText text;
    private final Inbox inbox;
    private int read;
    private int shown;
    private boolean promptScored;
    private boolean stopMatched;
    private boolean finishing;
    private boolean ended;

    ChoiceReader(int choice, Sequence sequence, PromptScores promptScores, AnswerText text, Inbox inbox) {
        this.choice = choice;
        this.sequence = sequence;
        this.promptScores = promptScores;
        this.text = text;
        this.inbox = inbox;
    }

    Sequence sequence() {
        return sequence;
    }

    /// Whether its last event was told.
    boolean ended() {
        return ended;
    }

    /// Whether there is something that no event has told yet.
    boolean unread() {
        return !ended
                && (sequence.output().ending() != null || sequence.output().count() > read);
    }

    /// The next event, or null if there is none now.
    GenerationEvent next() {
        if (ended) {
            return null;
        }
        TokenBuffer output = sequence.output();
        TokenBuffer.Ending ending = output.ending();
        if (ending == TokenBuffer.Ending.FAILED && !stopMatched) {
            ended = true;
            return new Failed(output.failure());
        }
        if (!promptScored) {
            if (!promptScores.complete()) {
                return null;
            }
            promptScored = true;
            if (promptScores.wanted()) {
                return new PromptScored(choice, promptScores.tokens());
            }
        }
        return finishing ? end(ending) : text(output, ending);
    }

    private GenerationEvent text(TokenBuffer output, TokenBuffer.Ending ending) {
        int count = output.count();
        while (read < count && !stopMatched) {
            stopMatched = text.add(output.token(read));
            read++;
        }
        boolean over = stopMatched || (ending != null && read == count);
        if (over) {
            if (stopMatched) {
                inbox.stop(sequence); // surplus tokens are neither shown nor counted
            }
            stopMatched = text.finish();
            finishing = true;
        }
        AnswerText.Piece piece = text.take(over);
        if (piece.tokens() > 0 || !piece.text().isEmpty()) {
            return delta(output, piece);
        }
        return over ? end(ending) : null;
    }

    private Delta delta(TokenBuffer output, AnswerText.Piece piece) {
        int[] tokens = new int[piece.tokens()];
        for (int i = 0; i < tokens.length; i++) {
            tokens[i] = output.token(shown + i);
        }
        List<TokenLogprob> logprobs = scored() ? TokenLogprob.of(output, shown, shown + tokens.length) : List.of();
        shown += tokens.length;
        return new Delta(choice, piece.text(), tokens, logprobs);
    }

    private Finished end(TokenBuffer.Ending ending) {
        ended = true;
        boolean stopped = stopMatched || ending == TokenBuffer.Ending.STOP;
        return new Finished(
                choice,
                stopped ? Reason.STOP : Reason.LENGTH,
                read,
                sequence.cachedTokens(),
                logprobSum(),
                sequence.score());
    }

    private double logprobSum() {
        double sum = 0;
        for (int i = 0; scored() && i < read; i++) {
            sum += sequence.output().logprob(i);
        }
        return sum;
    }

    private boolean scored() {
        return sequence.output().alternatives() != TokenBuffer.NO_LOGPROBS;
    }
}
