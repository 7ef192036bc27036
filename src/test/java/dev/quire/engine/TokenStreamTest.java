package dev.quire.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.cache.BlockPool;
import dev.quire.cache.PagedLayout;
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
        return group(1).getFirst();
    }

    private static List<Sequence> group(int choices) {
        var endTokens = new BitSet();
        endTokens.set(Tokens.of("e"));
        return Sequence.group(
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
                choices,
                new PagedLayout(new BlockPool(4, 16)));
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
        return new TokenStream(List.of(sequence), inbox, Tokens.TOKENIZER, List.of(stops));
    }

    private void write(String letters) {
        write(sequence, letters);
    }

    private static void write(Sequence sequence, String letters) {
        letters.chars().forEach(letter -> sequence.output().append(Tokens.of(Character.toString(letter))));
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
        assertEquals(new Finished(0, Reason.LENGTH, 3, 0, 0), reader.events.get(1));
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
        assertEquals(new Finished(0, Reason.STOP, 2, 0, 0), reader.events.getLast());
    }

    @Test
    void stopText_completeWithTheLastToken_isTheReason() {
        write("abcabcabca");
        output.end(TokenBuffer.Ending.LENGTH, "");
        Reader reader = read(5, "bca");
        assertEquals("a", reader.text());
        assertEquals(new Finished(0, Reason.STOP, 4, 0, 0), reader.events.getLast());
        assertSame(sequence, inbox.takeStopped());

        Reader last = read(5, "abcabcabca");
        assertEquals("", last.text());
        assertEquals(new Finished(0, Reason.STOP, 10, 0, 0), last.events.getLast());
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
        assertEquals(new Finished(0, Reason.STOP, 3, 0, 0), reader.events.getLast());
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

    @Test
    void choices_areToldInTurn_andTheStreamEndsWithTheLast() {
        List<Sequence> group = group(3);
        var reader = new Reader(event -> {});
        new TokenStream(group, inbox, Tokens.TOKENIZER, List.of()).subscribe(reader);
        write(group.get(0), "ab");
        write(group.get(1), "c");
        write(group.get(2), "d");
        group.get(0).output().end(TokenBuffer.Ending.LENGTH, "");
        reader.subscription.request(4);
        assertEquals(
                List.of("0ab", "1c", "2d", "0LENGTH"),
                reader.events.stream().map(TokenStreamTest::summary).toList());
        assertEquals(0, reader.completed);
        write(group.get(2), "e");
        group.get(2).output().end(TokenBuffer.Ending.STOP, "");
        group.get(1).output().end(TokenBuffer.Ending.LENGTH, "");
        reader.subscription.request(1);
        assertEquals("1LENGTH", summary(reader.events.getLast()));
        assertEquals(0, reader.completed);
        reader.subscription.request(2);
        assertEquals("2STOP", summary(reader.events.getLast()));
        assertEquals(1, reader.completed);
        assertNull(inbox.takeCancelled());
    }

    private static String summary(GenerationEvent event) {
        return switch (event) {
            case GenerationEvent.PromptScored scored -> scored.choice() + "scored";
            case Delta delta -> delta.choice() + delta.text();
            case Finished end -> end.choice() + end.reason().name();
            case GenerationEvent.Failed failed -> failed.message();
        };
    }

    @Test
    void stopText_endsItsChoiceAlone() {
        List<Sequence> group = group(2);
        var reader = new Reader(event -> {});
        new TokenStream(group, inbox, Tokens.TOKENIZER, List.of("b")).subscribe(reader);
        write(group.get(0), "abc");
        write(group.get(1), "cd");
        reader.subscription.request(9);
        assertEquals(
                List.of("0a", "1cd", "0STOP"),
                reader.events.stream().map(TokenStreamTest::summary).toList());
        assertSame(group.get(0), inbox.takeStopped());
        assertNull(inbox.takeStopped());
        assertNull(inbox.takeCancelled());
        assertEquals(0, reader.completed);
    }

    @Test
    void failureOfOneChoice_failsTheAnswer_andCancelsThoseThatGoOn() {
        List<Sequence> group = group(3);
        var stream = new TokenStream(group, inbox, Tokens.TOKENIZER, List.of());
        var reader = new Reader(event -> {});
        stream.subscribe(reader);
        reader.subscription.request(Long.MAX_VALUE);
        write(group.get(0), "a");
        group.get(0).output().end(TokenBuffer.Ending.LENGTH, "");
        stream.drain();
        group.get(1).output().end(TokenBuffer.Ending.FAILED, "why");
        stream.drain();
        assertEquals(
                List.of("0a", "0LENGTH", "why"),
                reader.events.stream().map(TokenStreamTest::summary).toList());
        assertEquals(1, reader.completed);
        assertSame(group.get(2), inbox.takeCancelled());
        assertNull(inbox.takeCancelled());
        write(group.get(2), "b");
        stream.drain();
        assertEquals(3, reader.events.size());
    }

    @Test
    void cancel_cancelsEveryChoiceThatGoesOn() {
        List<Sequence> group = group(3);
        var reader = new Reader(event -> {});
        new TokenStream(group, inbox, Tokens.TOKENIZER, List.of()).subscribe(reader);
        group.get(1).output().end(TokenBuffer.Ending.LENGTH, "");
        reader.subscription.request(1);
        reader.subscription.cancel();
        assertSame(group.get(0), inbox.takeCancelled());
        assertSame(group.get(2), inbox.takeCancelled());
        assertNull(inbox.takeCancelled());
    }

    @Test
    void unread_isWhatAnyChoiceHas() {
        List<Sequence> group = group(2);
        var stream = new TokenStream(group, inbox, Tokens.TOKENIZER, List.of());
        var reader = new Reader(event -> {});
        stream.subscribe(reader);
        reader.subscription.request(1);
        write(group.get(1), "a");
        stream.drain();
        assertEquals(0, stream.unreadNanos(System.nanoTime() + 1_000_000_000));
        write(group.get(1), "b");
        stream.drain();
        assertTrue(stream.unreadNanos(System.nanoTime() + 1_000_000_000) >= 1_000_000_000);
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
