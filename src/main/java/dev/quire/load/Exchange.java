package dev.quire.load;

import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClientRequest;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpClosedException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import javax.net.ssl.SSLException;

/// One request and its answer, until the outcome is known.
///
/// Not thread-safe: the event loop owns it.
final class Exchange {
    private static final int MOST_BODY_BYTES = 1 << 16; // of an error
    private static final int TOO_MANY_REQUESTS = 429;

    private final Vertx vertx;
    private final Target target;
    private final AnswerTimer timer;
    private final Consumer<Outcome> done;
    private final Buffer body = Buffer.buffer();
    private Optional<HttpClientRequest> request = Optional.empty(); // once there is a connection
    private long aliveNanos = System.nanoTime();
    private long timerId;
    private boolean ended;

    Exchange(Vertx vertx, Target target, AnswerTimer timer, Consumer<Outcome> done) {
        this.vertx = vertx;
        this.target = target;
        this.timer = timer;
        this.done = done;
        watch(target.timeout().toNanos());
    }

    /// Gives the exchange up when nothing has come for as long as the timeout. Vert.x's own timeout of a
    /// request ends with the head of the answer.
    private void watch(long leftNanos) {
        // Rounded up: a timer that comes too early would come again at once.
        timerId = vertx.setTimer(Math.ceilDiv(leftNanos, 1_000_000L), _ -> {
            long left = aliveNanos + target.timeout().toNanos() - System.nanoTime();
            if (left > 0) {
                watch(left);
            } else {
                failed(new TimeoutException());
            }
        });
    }

    Future<HttpClientResponse> send(HttpClientRequest post, byte[] bytes) {
        request = Optional.of(post);
        if (ended) {
            post.reset();
        }
        return post.send(Buffer.buffer(bytes));
    }

    void answered(HttpClientResponse response) {
        String type = response.getHeader("Content-Type");
        boolean streams = response.statusCode() == 200 && type != null && type.startsWith("text/event-stream");
        response.exceptionHandler(this::failed);
        if (streams) {
            response.handler(buffer -> {
                aliveNanos = System.nanoTime();
                timer.arrived(buffer.getBytes(), aliveNanos).ifPresent(problem -> lose(new Outcome.Failed(problem)));
            });
            response.endHandler(_ -> end(timer.end(System.nanoTime())));
        } else {
            response.handler(this::keep);
            response.endHandler(_ -> end(refusal(response)));
        }
    }

    private void keep(Buffer more) {
        body.appendBuffer(more, 0, Math.min(more.length(), MOST_BODY_BYTES - body.length()));
    }

    private Outcome refusal(HttpClientResponse response) {
        int status = response.statusCode();
        byte[] bytes = body.getBytes();
        String message = ServerMessage.of(bytes, 0, bytes.length);
        if (status == 200) {
            return new Outcome.Failed("answer must be a stream of events: Content-Type="
                    + response.getHeader("Content-Type") + ", body=" + message);
        }
        String line = "request must be accepted: status=" + status + ", message=" + message;
        if (status == TOO_MANY_REQUESTS) {
            return new Outcome.Refused(line, seconds(response.getHeader("Retry-After")));
        }
        return new Outcome.Failed(line);
    }

    /// `Retry-After` may also be a date, which no model server sends.
    private static OptionalInt seconds(String header) {
        return header != null && header.matches("\\d{1,9}")
                ? OptionalInt.of(Integer.parseInt(header))
                : OptionalInt.empty();
    }

    void failed(Throwable problem) {
        lose(new Outcome.Failed(describe(problem, target)));
    }

    /// Ends the exchange before its answer has ended: nobody reads on, so the connection goes too.
    private void lose(Outcome outcome) {
        if (!ended) {
            end(outcome);
            request.ifPresent(HttpClientRequest::reset);
        }
    }

    private void end(Outcome outcome) {
        if (!ended) {
            ended = true;
            vertx.cancelTimer(timerId);
            done.accept(outcome);
        }
    }

    /// One line on what went wrong below HTTP, without what differs from one connection to the next.
    static String describe(Throwable problem, Target target) {
        String reason = problem.getMessage() == null
                ? problem.getClass().getSimpleName()
                : ServerMessage.oneLine(problem.getMessage());
        return switch (problem) {
            case HttpClosedException _ -> "answer must be complete: problem=connection was closed";
            case ConnectException _ ->
                "server must be reachable: url=" + target.url() + ", problem=" + reason.replaceAll(":.*", "");
            case NoRouteToHostException _ ->
                "server must be reachable: url=" + target.url() + ", problem=" + reason.replaceAll(":.*", "");
            case TimeoutException _ ->
                "answer must not stop for longer than the timeout: seconds="
                        + target.timeout().toMillis() / 1e3;
            case SSLException _ -> "server must speak TLS: url=" + target.url() + ", problem=" + reason;
            case IOException _ -> "answer must be complete: problem=" + reason;
            default -> "server must speak HTTP: url=" + target.url() + ", problem=" + reason;
        };
    }
}
