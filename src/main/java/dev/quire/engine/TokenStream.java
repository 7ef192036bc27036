package dev.quire.engine;

import dev.quire.engine.GenerationEvent.Delta;
import dev.quire.engine.GenerationEvent.Failed;
import dev.quire.engine.GenerationEvent.Finished;
import dev.quire.engine.GenerationEvent.PromptScored;
import dev.quire.engine.GenerationEvent.Reason;
import dev.quire.scheduler.Sequence;
import dev.quire.scheduler.TokenBuffer;
import dev.quire.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jboss.logging.Logger;

/// The reader's end of one request: makes events out of the sequence's token buffer, as fast as its subscriber asks
/// for them and no faster. The buffer holds every token, so nothing else is queued and the engine never waits.
///
/// Any thread may call `drain`; whoever comes first does the work, the others only leave word (a counter), so events
/// are in order. One subscriber. What goes wrong in it, or in making its text, ends this stream and no other.
final class TokenStream implements Flow.Publisher<GenerationEvent>, Flow.Subscription {
    private static final Logger LOG = Logger.getLogger(TokenStream.class);

    private final Sequence sequence;
    private final Inbox inbox;
    private final AnswerText text;
    private final AtomicLong demand = new AtomicLong();
    private final AtomicInteger calls = new AtomicInteger();
    private volatile Flow.Subscriber<? super GenerationEvent> subscriber;
    private volatile boolean done;
    private volatile boolean expired;
    private volatile RuntimeException failure; // of the reader's end; null = none
    private volatile long unreadSinceNanos; // 0 = nothing is unread, or somebody reads
    // Below: touched by the one thread that drains.
    private int read;
    private int shown;
    private boolean promptScored;
    private boolean stopMatched;
    private boolean finishing;

    TokenStream(Sequence sequence, Inbox inbox, Tokenizer tokenizer, List<String> stop) {
        this.sequence = sequence;
        this.inbox = inbox;
        text = new AnswerText(tokenizer.decoder(), stop, sequence::endsWith);
    }

    @Override
    public void subscribe(Flow.Subscriber<? super GenerationEvent> newSubscriber) {
        boolean first;
        synchronized (this) {
            first = subscriber == null;
            if (first) {
                subscriber = newSubscriber;
            }
        }
        if (!first) {
            newSubscriber.onSubscribe(new Flow.Subscription() {
                @Override
                public void request(long count) {}

                @Override
                public void cancel() {}
            });
            newSubscriber.onError(new IllegalStateException("a stream has one subscriber: subscribers=2"));
            return;
        }
        newSubscriber.onSubscribe(this);
        drain();
    }

    @Override
    public void request(long count) {
        if (count <= 0) {
            fail(new IllegalArgumentException("demand must be positive: count=" + count));
        } else {
            demand.getAndUpdate(now -> now + count < 0 ? Long.MAX_VALUE : now + count);
        }
        drain();
    }

    @Override
    public void cancel() {
        if (!done) {
            done = true;
            inbox.cancel(sequence);
        }
    }

    /// Has whoever drains end the stream: no event is being emitted then.
    private void fail(RuntimeException why) {
        if (failure == null) {
            failure = why;
        }
    }

    /// Gives up on the reader: the sequence ends; should the reader come back, it is told.
    void expire() {
        expired = true;
        inbox.cancel(sequence);
    }

    /// Whether nothing will be emitted any more.
    boolean done() {
        return done;
    }

    /// Nanoseconds for which something has been waiting to be read without anybody asking for it.
    long unreadNanos(long nowNanos) {
        long since = unreadSinceNanos;
        return since == 0 ? 0 : nowNanos - since;
    }

    /// Emits what there is and what was asked for.
    void drain() {
        if (calls.getAndIncrement() != 0) {
            return;
        }
        int missed = 1;
        do {
            try {
                emit();
            } catch (RuntimeException e) {
                LOG.error("stream failed: " + e, e);
                fail(e);
            }
            if (failure != null && !done) {
                tell(failure);
            }
            missed = calls.addAndGet(-missed);
        } while (missed != 0);
    }

    private void emit() {
        boolean more = true;
        while (more && !done && failure == null && subscriber != null && demand.get() > 0) {
            more = emitNext();
        }
        boolean unread = !done && more && demand.get() == 0 && hasUnread();
        unreadSinceNanos = unread ? (unreadSinceNanos == 0 ? System.nanoTime() | 1 : unreadSinceNanos) : 0;
    }

    private void tell(RuntimeException why) {
        cancel();
        try {
            subscriber.onError(why);
        } catch (RuntimeException e) {
            LOG.error("reader must take an error: " + e, e); // nobody is left to tell, and others wait for this thread
        }
    }

    private boolean hasUnread() {
        return sequence.output().ending() != null || sequence.output().count() > read;
    }

    /// Emits at most one event; false if there is none now.
    private boolean emitNext() {
        TokenBuffer output = sequence.output();
        TokenBuffer.Ending ending = output.ending();
        if (expired) {
            emit(new Failed("the stream was not read in time"));
            complete();
            return false;
        }
        if (ending == TokenBuffer.Ending.FAILED && !stopMatched) {
            emit(new Failed(output.failure()));
            complete();
            return false;
        }
        if (!promptScored) {
            if (sequence.promptScores().count() < sequence.promptScores().maxTokens()) {
                return false;
            }
            promptScored = true;
            if (sequence.promptScores().maxTokens() > 0) {
                emit(new PromptScored(logprobs(
                        sequence.promptScores(), 0, sequence.promptScores().count())));
                return true;
            }
        }
        return finishing ? emitEnd(ending) : emitText(output, ending);
    }

    private boolean emitText(TokenBuffer output, TokenBuffer.Ending ending) {
        int count = output.count();
        while (read < count && !stopMatched) {
            stopMatched = text.add(output.token(read));
            read++;
        }
        boolean over = stopMatched || (ending != null && read == count);
        if (over) {
            if (stopMatched) {
                inbox.cancel(sequence); // surplus tokens are neither shown nor counted
            }
            stopMatched = text.finish();
            finishing = true;
        }
        AnswerText.Piece piece = text.take(over);
        if (piece.tokens() > 0 || !piece.text().isEmpty()) {
            int[] tokens = new int[piece.tokens()];
            for (int i = 0; i < tokens.length; i++) {
                tokens[i] = output.token(shown + i);
            }
            List<TokenLogprob> logprobs = output.alternatives() == TokenBuffer.NO_LOGPROBS
                    ? List.of()
                    : logprobs(output, shown, shown + tokens.length);
            shown += tokens.length;
            emit(new Delta(piece.text(), tokens, logprobs));
            return true;
        }
        return over;
    }

    private boolean emitEnd(TokenBuffer.Ending ending) {
        boolean stopped = stopMatched || ending == TokenBuffer.Ending.STOP;
        emit(new Finished(stopped ? Reason.STOP : Reason.LENGTH, read));
        complete();
        return false;
    }

    private void emit(GenerationEvent event) {
        demand.getAndUpdate(now -> now == Long.MAX_VALUE ? now : now - 1);
        subscriber.onNext(event);
    }

    private void complete() {
        done = true;
        subscriber.onComplete();
    }

    private static List<TokenLogprob> logprobs(TokenBuffer buffer, int from, int to) {
        List<TokenLogprob> logprobs = new ArrayList<>(to - from);
        for (int i = from; i < to; i++) {
            int[] topTokens = new int[buffer.alternatives()];
            float[] topLogprobs = new float[buffer.alternatives()];
            for (int rank = 0; rank < topTokens.length; rank++) {
                topTokens[rank] = buffer.topToken(i, rank);
                topLogprobs[rank] = buffer.topLogprob(i, rank);
            }
            logprobs.add(new TokenLogprob(buffer.token(i), buffer.logprob(i), topTokens, topLogprobs));
        }
        return logprobs;
    }
}
