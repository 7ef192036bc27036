package dev.quire.api;

import dev.quire.engine.CacheEvents;
import dev.quire.engine.InferenceEngine;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;
import io.vertx.core.http.HttpServerResponse;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.HEAD;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicReference;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.enums.SchemaType;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.jboss.resteasy.reactive.RestMulti;
import org.jboss.resteasy.reactive.RestResponse;

/// What becomes of blocks, as it happens; 404 where `quire.inspect.enabled` is off.
@Path("/v1/cache/events")
public final class CacheEventsResource {
    private static final byte[] LISTENING = ": listening\n\n".getBytes(StandardCharsets.US_ASCII);

    private final InferenceEngine engine;
    private final Inspections inspections;

    CacheEventsResource(InferenceEngine engine, Inspections inspections) {
        this.engine = engine;
        this.inspections = inspections;
    }

    /// The head goes out at once, with a comment, and not with the first event, which may be hours away.
    @GET
    @Operation(
            summary = "What becomes of blocks, as server-sent events",
            description =
                    "allocated, shared, copied, evicted, swapped, moved and released, in order; dropped says how many"
                            + " events a slow reader has missed. 404 unless quire.inspect.enabled.")
    @APIResponse(
            responseCode = "200",
            description = "Events until the reader or the server goes",
            content = @Content(mediaType = "text/event-stream", schema = @Schema(type = SchemaType.STRING)))
    public RestMulti<byte[]> events(@Context HttpServerResponse response) {
        Multi<byte[]> events = Multi.createFrom().deferred(() -> {
            inspections.require();
            Multi<CacheEvents> told = Inspections.value(engine.listen());
            return new OpeningItem(told.onItem().transform(CacheEventBytes::of), LISTENING);
        });
        return new AnswerStream(events, new AtomicReference<>(AnswerStream.Form.EVENTS)).through(response);
    }

    /// The head alone: nobody listens.
    @HEAD
    @Operation(hidden = true)
    public Uni<RestResponse<Void>> eventsHead() {
        return Uni.createFrom().item(() -> {
            inspections.require();
            return RestResponse.ResponseBuilder.<Void>ok()
                    .type(MediaType.SERVER_SENT_EVENTS)
                    .build();
        });
    }
}
