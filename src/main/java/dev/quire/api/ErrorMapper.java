package dev.quire.api;

import jakarta.ws.rs.WebApplicationException;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriInfo;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import org.jboss.logging.Logger;
import org.jboss.resteasy.reactive.server.ServerExceptionMapper;

/// The one place where what went wrong becomes a response. {@link ErrorRoutes} does the same for what never reaches a
/// resource.
final class ErrorMapper {
    private static final Logger LOG = Logger.getLogger(ErrorMapper.class);

    /// Paths that take a POST; all others take a GET. REST's refusal of a method does not say which are allowed.
    private static final Set<String> POSTED =
            Set.of("/v1/completions", "/v1/chat/completions", "/tokenize", "/detokenize");

    @ServerExceptionMapper
    Response refused(ApiException e) {
        return response(e).build();
    }

    /// Path, method and media type: REST's own refusals.
    @ServerExceptionMapper
    Response http(WebApplicationException e, UriInfo uri) {
        ApiException error = HttpErrors.of(e.getResponse().getStatus());
        if (error.status() >= 500) {
            LOG.error("request could not be answered", e);
        }
        Response.ResponseBuilder response = response(error);
        if (error.status() == 405) {
            response.header(HttpHeaders.ALLOW, POSTED.contains(uri.getPath()) ? "POST, OPTIONS" : "GET, HEAD, OPTIONS");
        }
        return response.build();
    }

    /// The worker threads' queue is full: more bodies arrive than can be read.
    @ServerExceptionMapper
    Response busy(RejectedExecutionException e) {
        return response(ApiException.tooManyRequests("requests must not outrun the server's workers", 1))
                .build();
    }

    @ServerExceptionMapper
    Response failed(Throwable e) {
        LOG.error("request could not be answered", e);
        return response(HttpErrors.of(500)).build();
    }

    private static Response.ResponseBuilder response(ApiException e) {
        Response.ResponseBuilder response = Response.status(e.status())
                .type(MediaType.APPLICATION_JSON_TYPE)
                .entity(e.response());
        e.retryAfterSeconds().ifPresent(seconds -> response.header(HttpHeaders.RETRY_AFTER, seconds));
        return response;
    }
}
