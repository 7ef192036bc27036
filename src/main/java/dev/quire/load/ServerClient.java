package dev.quire.load;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.vertx.core.Context;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.file.FileSystemOptions;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientOptions;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.http.RequestOptions;
import io.vertx.core.net.SocketAddress;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/// Speaks HTTP/1.1 with the server under load, on one event loop: whatever is not waiting for bytes takes time
/// from a server on the same machine. Each request has a connection of its own. Reused ones fail without
/// anyone's fault when the server is just closing them (2 to 8 of 40 short requests at llama.cpp's), and while
/// they idle they keep a thread from the clients that wait, where the server has one for each connection.
///
/// {@link #send} and what it calls belong to the event loop; {@link #onLoop} leads there from other threads.
final class ServerClient implements AutoCloseable {
    /// Requests at once; each has a connection.
    static final int MOST_CONNECTIONS = 10_000;

    private static final int CONNECT_MILLIS = 10_000;

    private final Target target;
    private final Vertx vertx;
    private final Context loop;
    private final HttpClient client;
    private final SocketAddress address;

    ServerClient(Target target) {
        this.target = target;
        try {
            address = SocketAddress.inetSocketAddress(
                    new InetSocketAddress(InetAddress.getByName(target.url().getHost()), target.port()));
        } catch (UnknownHostException e) {
            throw new LoadException("server's host must be known: url=" + target.url());
        }
        vertx = Vertx.vertx(new VertxOptions()
                .setEventLoopPoolSize(1)
                // It warns, with a stack trace, of a loop that did not run for 2 s; on a busy machine that is nobody's
                // fault.
                .setBlockedThreadCheckInterval(1)
                .setBlockedThreadCheckIntervalUnit(TimeUnit.DAYS)
                .setFileSystemOptions(
                        new FileSystemOptions().setFileCachingEnabled(false).setClassPathResolvingEnabled(false)));
        loop = vertx.getOrCreateContext();
        client = vertx.createHttpClient(
                new HttpClientOptions()
                        .setSsl(target.secure())
                        .setConnectTimeout(CONNECT_MILLIS)
                        .setKeepAlive(false),
                new PoolOptions().setHttp1MaxSize(MOST_CONNECTIONS));
    }

    /// From now on, what work on the event loop throws goes to `failure`.
    void guard(Consumer<Throwable> failure) {
        loop.exceptionHandler(failure::accept);
    }

    void onLoop(Runnable work) {
        loop.runOnContext(_ -> work.run());
    }

    /// Sends one request and calls `done` once, with how it ended.
    void send(Endpoint endpoint, Requests.Request request, AnswerTimer timer, Consumer<Outcome> done) {
        var exchange = new Exchange(vertx, target, timer, done);
        client.request(options(HttpMethod.POST, endpoint.path()))
                .compose(post -> exchange.send(post, request.body()))
                .onSuccess(exchange::answered)
                .onFailure(exchange::failed);
    }

    private RequestOptions options(HttpMethod method, String path) {
        RequestOptions options = new RequestOptions()
                .setMethod(method)
                .setServer(address)
                .setHost(target.url().getHost())
                .setPort(target.port())
                .setURI(target.url().getRawPath() + path)
                .putHeader("Content-Type", "application/json")
                .putHeader("Accept", method == HttpMethod.POST ? "text/event-stream" : "application/json");
        target.apiKey().ifPresent(key -> options.putHeader("Authorization", "Bearer " + key));
        return options;
    }

    /// The first model that the server lists. Blocks.
    String firstModel() {
        var listing = new CompletableFuture<String>();
        guard(listing::completeExceptionally);
        onLoop(() -> client.request(options(HttpMethod.GET, "/v1/models"))
                .compose(get -> get.send())
                .compose(response -> response.body().map(body -> firstModel(response.statusCode(), body.getBytes())))
                .onSuccess(listing::complete)
                .onFailure(listing::completeExceptionally));
        try {
            return listing.orTimeout(target.timeout().toMillis(), TimeUnit.MILLISECONDS)
                    .join();
        } catch (CompletionException e) {
            if (e.getCause() instanceof LoadException refusal) {
                throw refusal;
            }
            throw new LoadException(Exchange.describe(e.getCause(), target));
        }
    }

    private String firstModel(int status, byte[] body) {
        if (status == 200) {
            try {
                JsonNode id = new ObjectMapper().readTree(body).at("/data/0/id");
                if (id.isTextual()) {
                    return id.textValue();
                }
            } catch (IOException e) {
                // Not OpenAI's API: answered below.
            }
        }
        throw new LoadException("server must list its models as OpenAI's does, or --model name one: url=" + target.url()
                + "/v1/models, status=" + status + ", body=" + ServerMessage.of(body, 0, body.length));
    }

    @Override
    public void close() {
        vertx.close().toCompletionStage().toCompletableFuture().join();
    }
}
