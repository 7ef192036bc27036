package dev.quire.api;

import io.quarkus.runtime.configuration.MemorySize;
import io.quarkus.vertx.http.runtime.RouteConstants;
import io.quarkus.vertx.http.runtime.VertxHttpRecorder;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpHeaders;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.logging.Logger;

/// Errors that Vert.x and Quarkus would answer themselves, in the shape of ours. What is no HTTP at all never gets
/// here: Vert.x answers it with a bare 400, 414 or 431 and closes the connection.
@Singleton
final class ErrorRoutes {
    private static final Logger LOG = Logger.getLogger(ErrorRoutes.class);

    private final Json json;
    private final long maxBodyBytes;

    ErrorRoutes(Json json, @ConfigProperty(name = "quarkus.http.limits.max-body-size") MemorySize maxBodySize) {
        this.json = json;
        this.maxBodyBytes = maxBodySize.asLongValue();
    }

    void install(@Observes Router router) {
        router.route().order(Integer.MIN_VALUE).failureHandler(this::answerFailure);
        // Quarkus answers a body that is too large without a body of its own: the check before its check is for bodies
        // that say their length, what follows it leaves those in chunks to Json.
        router.route().order(RouteConstants.ROUTE_ORDER_UPLOAD_LIMIT - 1).handler(this::checkSize);
        router.route().order(RouteConstants.ROUTE_ORDER_UPLOAD_LIMIT + 1).handler(context -> {
            context.remove(VertxHttpRecorder.MAX_REQUEST_SIZE_KEY);
            context.next();
        });
    }

    private void checkSize(RoutingContext context) {
        context.addEndHandler(_ -> closeUnread(context));
        String length = context.request().getHeader(HttpHeaders.CONTENT_LENGTH);
        if (length != null && Long.parseLong(length) > maxBodyBytes) {
            context.response().putHeader(HttpHeaders.CONNECTION, HttpHeaders.CLOSE);
            answer(context, 413);
        } else {
            context.next();
        }
    }

    /// The rest of a body that is too large is still on its way: only closing ends it.
    private static void closeUnread(RoutingContext context) {
        if (context.response().getStatusCode() == 413 && !context.request().isEnded()) {
            context.request().connection().close();
        }
    }

    private void answerFailure(RoutingContext context) {
        int status = context.statusCode() >= 400 ? context.statusCode() : 500;
        if (status >= 500) {
            LOG.error("request could not be answered", context.failure());
        }
        answer(context, status);
    }

    private void answer(RoutingContext context, int status) {
        if (context.response().ended() || context.response().headWritten()) {
            return;
        }
        context.response()
                .setStatusCode(status)
                .putHeader(HttpHeaders.CONTENT_TYPE, "application/json")
                .end(Buffer.buffer(json.bytes(HttpErrors.of(status).response())));
    }
}
