package dev.quire.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.cache.BlockPool;
import dev.quire.engine.GenerationEvent.Delta;
import dev.quire.engine.GenerationEvent.Finished;
import dev.quire.engine.GenerationEvent.Reason;
import dev.quire.sampling.SamplingParameters;
import dev.quire.scheduler.Sequence;
import dev.quire.scheduler.TokenBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.Flow;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/// A stream between a token buffer that the test writes and a reader on the test's thread.
class TokenStreamTest {
    private final Inbox inbox = new Inbox(4);
    private final Sequence sequence = sequence();
    private final TokenBuffer output = sequence.output();

    private static Sequence sequence() {
        var endTokens = new BitSet();
        endTokens.set(Tokens.of("e"));
        return new Sequence(
                new Sequence.Spec(
                        0,
                        0,
                        new int[] {1},
                        10,
                        SamplingParameters.greedy(),
                        endTokens,
                        TokenBuffer.NO_LOGPROBS,
                        false,
                        ""),
                new BlockPool(4, 16));
    }

    /// Collects what it is told, after `first` has seen it.
    private static final class Reader implements Flow.Subscriber<GenerationEvent> {
        private final Consumer<GenerationEvent> first;
        final List<GenerationEvent> events = new ArrayList<>();
        final List<Throwable> errors = new ArrayList<>();
        Flow.Subscription subscription;
        int completed;

        Reader(Consumer<GenerationEvent> first) {
            this.first = first;
        }

        @Override
        public void onSubscribe(Flow.Subscription newSubscription) {
            subscription = newSubscription;
        }

        @Override
        public void onNext(GenerationEvent event) {
            events.add(event);
            first.accept(event);
        }

        @Override
        public void onError(Throwable failure) {
            errors.add(failure);
        }

        @Override
        public void onComplete() {
            completed++;
        }

        String text() {
            var text = new StringBuilder();
            for (GenerationEvent event : events) {
                text.append(event instanceof Delta delta ? delta.text() : "");
            }
            return text.toString();
        }
    }

    private Reader read(long demand, String... stops) {
        return read(new Reader(event -> {}), demand, stops);
    }

    private Reader read(Reader reader, long demand, String... stops) {
        stream(stops).subscribe(reader);
        if (demand > 0) {
            reader.subscription.request(demand);
        }
        return reader;
    }

    private TokenStream stream(String... stops) {
        return new TokenStream(sequence, inbox, Tokens.TOKENIZER, List.of(stops));
    }

    private void write(String letters) {
        letters.chars().forEach(letter -> output.append(Tokens.of(Character.toString(letter))));
    }

    @Test
    void request_emitsNoMoreThanWasAskedFor() {
        write("abc");
        output.end(TokenBuffer.Ending.LENGTH, "");
        Reader reader = read(0);
        assertEquals(0, reader.events.size());
        reader.subscription.request(1);
        assertEquals("abc", reader.text());
        assertEquals(0, reader.completed);
        reader.subscription.request(1);
        assertEquals(new Finished(Reason.LENGTH, 3), reader.events.get(1));
        assertEquals(1, reader.completed);
    }

    @Test
    void request_notPositive_cancelsAndIsToldOnce() {
        Reader reader = read(1);
        reader.subscription.request(0);
        reader.subscription.request(-1);
        reader.subscription.request(5);
        assertEquals(1, reader.errors.size());
        assertEquals(
                "demand must be positive: count=0", reader.errors.getFirst().getMessage());
        assertSame(sequence, inbox.takeCancelled());
        assertNull(inbox.takeCancelled());
        assertEquals(0, reader.completed);
    }

    @Test
    void request_notPositiveWithinAnEvent_isToldAfterIt() {
        write("ab");
        var told = new ArrayList<Integer>();
        Reader[] reader = new Reader[1];
        reader[0] = new Reader(event -> {
            reader[0].subscription.request(0);
            told.add(reader[0].errors.size());
        });
        read(reader[0], 5);
        assertEquals(List.of(0), told);
        assertEquals(1, reader[0].errors.size());
        assertEquals(1, reader[0].events.size());
    }

    @Test
    void request_afterTheEnd_isIgnored() {
        write("a");
        output.end(TokenBuffer.Ending.LENGTH, "");
        Reader reader = read(5);
        assertEquals(1, reader.completed);
        reader.subscription.request(0);
        reader.subscription.request(1);
        reader.subscription.cancel();
        assertEquals(0, reader.errors.size());
        assertEquals(2, reader.events.size());
        assertNull(inbox.takeCancelled());
    }

    @Test
    void cancel_withinAnEvent_isTheLastOfIt() {
        write("a");
        output.end(TokenBuffer.Ending.LENGTH, "");
        Reader[] reader = new Reader[1];
        reader[0] = new Reader(event -> reader[0].subscription.cancel());
        read(reader[0], Long.MAX_VALUE);
        assertEquals(1, reader[0].events.size());
        assertEquals(0, reader[0].completed);
        assertSame(sequence, inbox.takeCancelled());
    }

    @Test
    void subscribe_twice_isRefused() {
        TokenStream stream = stream();
        stream.subscribe(new Reader(event -> {}));
        var second = new Reader(event -> {});
        stream.subscribe(second);
        assertInstanceOf(IllegalStateException.class, second.errors.getFirst());
        second.subscription.cancel();
        assertNull(inbox.takeCancelled());
    }

    /// The engine writes a token before it says that the sequence ends with it.
    @Test
    void endToken_seenBeforeTheEnding_showsNoText() {
        var stream = stream();
        var reader = new Reader(event -> {});
        stream.subscribe(reader);
        reader.subscription.request(5);
        write("ae");
        stream.drain();
        assertEquals("a", reader.text());
        output.end(TokenBuffer.Ending.STOP, "");
        stream.drain();
        assertEquals("a", reader.text());
        assertEquals(new Finished(Reason.STOP, 2), reader.events.getLast());
    }

    @Test
    void stopText_completeWithTheLastToken_isTheReason() {
        write("abcabcabca");
        output.end(TokenBuffer.Ending.LENGTH, "");
        Reader reader = read(5, "bca");
        assertEquals("a", reader.text());
        assertEquals(new Finished(Reason.STOP, 4), reader.events.getLast());
        assertSame(sequence, inbox.takeCancelled());

        Reader last = read(5, "abcabcabca");
        assertEquals("", last.text());
        assertEquals(new Finished(Reason.STOP, 10), last.events.getLast());
    }

    @Test
    void failure_afterAStopText_isNotTold() {
        var stream = stream("bc");
        var reader = new Reader(event -> {});
        stream.subscribe(reader);
        reader.subscription.request(1);
        write("abc");
        stream.drain();
        output.end(TokenBuffer.Ending.FAILED, "why");
        reader.subscription.request(1);
        assertEquals(new Finished(Reason.STOP, 3), reader.events.getLast());
    }

    @Test
    void failure_isTold_andEndsTheStream() {
        Reader reader = read(5);
        output.end(TokenBuffer.Ending.FAILED, "why");
        reader.subscription.request(1);
        assertEquals(List.of(new GenerationEvent.Failed("why")), reader.events);
        assertEquals(1, reader.completed);
    }

    @Test
    void unread_countsFromWhenSomethingWaits_untilItIsAskedFor() {
        var stream = stream();
        var reader = new Reader(event -> {});
        stream.subscribe(reader);
        assertEquals(0, stream.unreadNanos(System.nanoTime() + 1_000_000_000));
        write("a");
        stream.drain();
        assertTrue(stream.unreadNanos(System.nanoTime() + 1_000_000_000) >= 1_000_000_000);
        reader.subscription.request(1);
        assertEquals(0, stream.unreadNanos(System.nanoTime() + 1_000_000_000));
        assertFalse(stream.done());
    }

    /// One reader that throws must not end the thread that serves the others.
    @Test
    void readerThatThrows_endsItsOwnStreamOnly() {
        var stream = stream();
        var reader = new Reader(event -> {
            throw new IllegalStateException("a reader's fault");
        });
        stream.subscribe(reader);
        reader.subscription.request(5);
        write("a");
        stream.drain();
        assertTrue(stream.done());
        assertEquals("a reader's fault", reader.errors.getFirst().getMessage());
        assertSame(sequence, inbox.takeCancelled());
        write("b");
        stream.drain();
        assertEquals(1, reader.events.size());
    }
}
