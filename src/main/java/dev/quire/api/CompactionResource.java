package dev.quire.api;

import dev.quire.engine.InferenceEngine;
import io.smallrye.mutiny.Uni;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import org.eclipse.microprofile.openapi.annotations.Operation;

/// Moves blocks together when somebody asks; 404 where `quire.inspect.enabled` is off.
@Path("/")
@Produces(MediaType.APPLICATION_JSON)
public final class CompactionResource {
    private final Inspections inspections;

    CompactionResource(Inspections inspections) {
        this.inspections = inspections;
    }

    @POST
    @Path("v1/cache/compact")
    @Operation(
            summary = "Moves blocks that sequences hold towards low ids",
            description = "Between steps, a few copies at a time; the answer comes when it is done. Nothing is moved"
                    + " unless the fragmentation is above quire.cache.compaction.threshold. 404 unless"
                    + " quire.inspect.enabled.")
    public Uni<CompactionResponse> compact() {
        return Uni.createFrom()
                .item(() -> {
                    inspections.require();
                    return inspections;
                })
                .onItem()
                .transformToUni(allowed -> allowed.answer(InferenceEngine::compact))
                .onItem()
                .transform(CompactionResponse::of);
    }
}
