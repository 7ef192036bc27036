package dev.quire.api;

import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.subscription.MultiSubscriber;
import io.vertx.core.http.HttpServerResponse;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicReference;
import org.jboss.resteasy.reactive.RestMulti;

/// The bytes of an answer, with a media type that is known only once the body has been read: JSON, or server-sent
/// events. Also for answers in one piece, because what streams is cancelled when its client goes.
final class AnswerStream extends RestMulti<byte[]> {
    /// How the answer goes out.
    enum Form {
        WHOLE(Map.of("Content-Type", List.of("application/json"))),
        // Proxies must neither keep nor collect events: X-Accel-Buffering is nginx's word for that.
        EVENTS(Map.of(
                "Content-Type", List.of("text/event-stream;charset=UTF-8"),
                "Cache-Control", List.of("no-cache"),
                "X-Accel-Buffering", List.of("no")));

        private final Map<String, List<String>> headers;

        Form(Map<String, List<String>> headers) {
            this.headers = headers;
        }
    }

    private final Multi<byte[]> bytes;
    private final AtomicReference<Form> form;

    /// `form` is set before the first of `bytes` comes.
    AnswerStream(Multi<byte[]> bytes, AtomicReference<Form> form) {
        this.bytes = bytes;
        this.form = form;
    }

    /// The same answer, written to the connection of `response` itself.
    AnswerStream through(HttpServerResponse response) {
        return new AnswerStream(new ConnectionWriter(bytes, response), form);
    }

    @Override
    public void subscribe(MultiSubscriber<? super byte[]> subscriber) {
        bytes.subscribe(Objects.requireNonNull(subscriber));
    }

    @Override
    public Integer getStatus() {
        return 200;
    }

    @Override
    public Map<String, List<String>> getHeaders() {
        return form.get().headers;
    }
}
