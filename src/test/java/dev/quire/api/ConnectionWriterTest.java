package dev.quire.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.helpers.test.AssertSubscriber;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

class ConnectionWriterTest {
    private final List<String> written = new ArrayList<>();
    private final Queue<Promise<Void>> pending = new ArrayDeque<>();
    private boolean full;
    private boolean closed;

    /// A connection whose queue is full, and which is closed, as the test says.
    private final HttpServerResponse response = (HttpServerResponse) Proxy.newProxyInstance(
            getClass().getClassLoader(), new Class<?>[] {HttpServerResponse.class}, (_, method, arguments) -> {
                return switch (method.getName()) {
                    case "writeQueueFull" -> full;
                    case "closed" -> closed;
                    case "write" -> write((Buffer) arguments[0]);
                    default -> throw new UnsupportedOperationException(method.getName());
                };
            });

    private Future<Void> write(Buffer piece) {
        written.add(piece.toString());
        pending.add(Promise.promise());
        return pending.element().future();
    }

    private AssertSubscriber<byte[]> write(Multi<byte[]> pieces) {
        return new ConnectionWriter(pieces, response).subscribe().withSubscriber(AssertSubscriber.create(0));
    }

    private static Multi<byte[]> pieces(String... texts) {
        return Multi.createFrom().items(texts).map(text -> text.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void firstPiece_goesThroughTheFramework_theOthersToTheConnection() {
        var framework = write(pieces("one", "two", "three"));
        assertEquals(0, framework.getItems().size());
        framework.request(1);
        assertEquals(1, framework.getItems().size());
        assertEquals(List.of(), written);
        framework.request(1);
        assertEquals(1, framework.getItems().size());
        assertEquals(List.of("two", "three"), written);
        framework.assertCompleted();
    }

    @Test
    void fullQueue_nextPieceIsAskedForWhenTheLastHasGoneOut() {
        full = true;
        var framework = write(pieces("one", "two", "three"));
        framework.request(1);
        framework.request(1);
        assertEquals(List.of("two"), written);
        framework.assertNotTerminated();
        pending.remove().complete();
        assertEquals(List.of("two", "three"), written);
    }

    @Test
    void closedConnection_cancels_andWritesNothing() {
        var cancelled = new AtomicBoolean();
        var framework = write(pieces("one", "two", "three").onCancellation().invoke(() -> cancelled.set(true)));
        framework.request(1);
        closed = true;
        framework.request(1);
        assertEquals(List.of(), written);
        assertTrue(cancelled.get());
    }

    @Test
    void failure_reachesTheFramework() {
        var framework = write(Multi.createFrom().failure(new IllegalStateException("no more")));
        framework.assertFailedWith(IllegalStateException.class, "no more");
    }
}
