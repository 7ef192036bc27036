package dev.quire.engine;

import dev.quire.engine.GenerationEvent.Failed;
import dev.quire.scheduler.Sequence;
import dev.quire.tokenizer.Tokenizer;
import java.util.List;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jboss.logging.Logger;

/// The reader's end of one request: tells the events of its choices, as they come, as fast as its subscriber asks for
/// them and no faster. Their sequences' buffers hold every token, so nothing else is queued and the engine never waits.
///
/// Any thread may call `drain`; whoever comes first does the work, the others only leave word (a counter), so events
/// are in order. One subscriber. What goes wrong in it, or in making its text, ends this stream and no other.
final class TokenStream implements Flow.Publisher<GenerationEvent>, Flow.Subscription {
    private static final Logger LOG = Logger.getLogger(TokenStream.class);

    private final ChoiceReader[] choices;
    private final Inbox inbox;
    private final AtomicLong demand = new AtomicLong();
    private final AtomicInteger calls = new AtomicInteger();
    private volatile Flow.Subscriber<? super GenerationEvent> subscriber;
    private volatile boolean done;
    private volatile boolean expired;
    private volatile RuntimeException failure; // of the reader's end; null = none
    private volatile long unreadSinceNanos; // 0 = nothing is unread, or somebody reads
    // Below: touched by the one thread that drains.
    private int turn; // the choice that is asked next
    private int ended; // choices that have told their last event

    /// `group`: the choices of one request.
    TokenStream(List<Sequence> group, Inbox inbox, Tokenizer tokenizer, List<String> stop) {
        this.inbox = inbox;
        var promptScores = new PromptScores(group.getFirst().promptScores());
        choices = new ChoiceReader[group.size()];
        for (int i = 0; i < choices.length; i++) {
            Sequence sequence = group.get(i);
            var text = new AnswerText(tokenizer.decoder(), stop, sequence::endsWith);
            choices[i] = new ChoiceReader(i, sequence, promptScores, text, inbox);
        }
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
            cancelChoices();
        }
    }

    private void cancelChoices() {
        for (ChoiceReader choice : choices) {
            if (!choice.ended()) {
                inbox.cancel(choice.sequence());
            }
        }
    }

    /// Has whoever drains end the stream: no event is being emitted then.
    private void fail(RuntimeException why) {
        if (failure == null) {
            failure = why;
        }
    }

    /// Gives up on the reader: the sequences end; should the reader come back, it is told.
    void expire() {
        expired = true;
        cancelChoices();
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
        boolean unread = !done && more && demand.get() == 0 && unread();
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

    private boolean unread() {
        for (ChoiceReader choice : choices) {
            if (choice.unread()) {
                return true;
            }
        }
        return false;
    }

    /// Emits at most one event, the choices taking turns; false if there is none now.
    private boolean emitNext() {
        if (expired) {
            emit(new Failed("the stream was not read in time"));
            complete();
            return false;
        }
        for (int i = 0; i < choices.length; i++) {
            ChoiceReader choice = choices[turn];
            turn = turn + 1 == choices.length ? 0 : turn + 1;
            GenerationEvent event = choice.next();
            if (event != null) {
                return emitOf(choice, event);
            }
        }
        return false;
    }

    /// Returns whether others may follow.
    private boolean emitOf(ChoiceReader choice, GenerationEvent event) {
        emit(event);
        if (event instanceof Failed) {
            cancelChoices(); // one answer without the others is none
            complete();
            return false;
        }
        ended += choice.ended() ? 1 : 0;
        if (ended == choices.length) {
            complete();
        }
        return !done;
    }

    private void emit(GenerationEvent event) {
        demand.getAndUpdate(now -> now == Long.MAX_VALUE ? now : now - 1);
        subscriber.onNext(event);
    }

    private void complete() {
        if (!done) {
            done = true;
            subscriber.onComplete();
        }
    }
}
