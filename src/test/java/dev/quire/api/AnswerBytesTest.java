package dev.quire.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.engine.GenerationEvent;
import dev.quire.engine.GenerationEvent.Delta;
import dev.quire.engine.GenerationEvent.Failed;
import dev.quire.engine.GenerationEvent.Finished;
import dev.quire.engine.GenerationEvent.Reason;
import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.helpers.test.AssertSubscriber;
import java.io.ByteArrayInputStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/// Streams that end well, badly or early.
class AnswerBytesTest {
    private static final GenerationEvent HELLO = new Delta(0, "hello", new int[] {1}, List.of());

    private final Json json = new Json(new MemorySize(BigInteger.valueOf(1000)));
    private final AnswerBytes bytes = new AnswerBytes(json);

    @Test
    void stream_finished_endsWithDone() {
        List<String> events = streamed(Multi.createFrom().items(HELLO, new Finished(0, Reason.STOP, 1, 0, 0)));
        assertEquals(4, events.size());
        assertTrue(events.get(0).contains("\"role\":\"assistant\""), events.get(0));
        assertTrue(events.get(1).contains("\"content\":\"hello\""), events.get(1));
        assertTrue(events.get(2).contains("\"finish_reason\":\"stop\""), events.get(2));
        assertEquals("[DONE]", events.get(3));
    }

    @Test
    void stream_failedEvent_endsWithItsErrorAndWithoutDone() {
        List<String> events = streamed(Multi.createFrom().items(HELLO, new Failed("the server is shutting down")));
        assertEquals(
                "{\"error\":{\"message\":\"the server is shutting down\",\"type\":\"server_error\",\"param\":null,"
                        + "\"code\":\"generation_failed\"}}",
                events.getLast());
        assertEquals(3, events.size());
    }

    @Test
    void stream_fault_saysNothingOfTheInside() {
        List<String> events = streamed(Multi.createBy()
                .concatenating()
                .streams(
                        Multi.createFrom().item(HELLO),
                        Multi.createFrom().failure(new IllegalStateException("secret"))));
        assertTrue(events.getLast().contains("answer could not be completed"), events.getLast());
    }

    @Test
    void stream_opening_comesBeforeAnyEvent_andCancelReachesTheEngine() {
        var cancelled = new AtomicBoolean();
        Multi<GenerationEvent> silent =
                Multi.createFrom().<GenerationEvent>nothing().onCancellation().invoke(() -> cancelled.set(true));
        var subscriber = bytes.stream(silent, chat()).subscribe().withSubscriber(AssertSubscriber.create(1));
        assertEquals(1, subscriber.getItems().size());
        subscriber.cancel();
        assertTrue(cancelled.get());
    }

    @Test
    void stream_unread_isSubscribedToAtOnce() {
        var cancelled = new AtomicBoolean();
        Multi<GenerationEvent> silent =
                Multi.createFrom().<GenerationEvent>nothing().onCancellation().invoke(() -> cancelled.set(true));
        bytes.stream(silent, chat())
                .subscribe()
                .withSubscriber(AssertSubscriber.create(0))
                .cancel();
        assertTrue(cancelled.get());
    }

    @Test
    void whole_failedEvent_isAnError() {
        Multi<byte[]> whole = bytes.whole(Multi.createFrom().items(HELLO, new Failed("no more")), chat());
        var e = assertThrows(
                ApiException.class, () -> whole.collect().asList().await().indefinitely());
        assertEquals(500, e.status());
        assertEquals("no more", e.getMessage());
    }

    private List<String> streamed(Multi<GenerationEvent> events) {
        var text = new StringBuilder();
        bytes.stream(events, chat())
                .subscribe()
                .asIterable()
                .forEach(chunk -> text.append(new String(chunk, StandardCharsets.UTF_8)));
        return Events.of(text.toString());
    }

    /// No log-probabilities are asked for, so no token needs its text and no tokenizer is needed.
    private Answer chat() {
        String body = "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}";
        var request = ChatCompletionRequest.parse(
                json.fields(new ByteArrayInputStream(body.getBytes(StandardCharsets.UTF_8))));
        return new ChatAnswer(AnswerHead.next("chatcmpl-", "m"), request, 1, null);
    }
}
