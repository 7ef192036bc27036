package dev.quire.api;

import dev.quire.engine.InferenceEngine;
import io.smallrye.mutiny.Uni;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.parameters.Parameter;

/// A look into the cache: who holds which block. Ids and counts only, never what was said; 404 where
/// `quire.inspect.enabled` is off.
@Path("/")
@Produces(MediaType.APPLICATION_JSON)
public final class CacheInspectionResource {
    private final InferenceEngine engine;
    private final Inspections inspections;

    CacheInspectionResource(InferenceEngine engine, Inspections inspections) {
        this.engine = engine;
        this.inspections = inspections;
    }

    @GET
    @Path("v1/cache/blocks")
    @Operation(
            summary = "The blocks of the pool, page by page",
            description = "Each page is of one moment, between two steps. 404 unless quire.inspect.enabled.")
    public Uni<BlockListResponse> blocks(
            @Parameter(description = "Blocks behind this one") @QueryParam("after") String after,
            @Parameter(description = "At most as many, 1 to 1000; 100 if not said") @QueryParam("limit") String limit) {
        return Uni.createFrom()
                .item(() -> {
                    inspections.require();
                    return PageQuery.of(after, limit, mostBlock());
                })
                .onItem()
                .transformToUni(page ->
                        inspections.answer(ready -> ready.blocks(Math.toIntExact(page.after() + 1), page.limit())))
                .onItem()
                .transform(BlockListResponse::of);
    }

    /// The last block, or, before there is a pool, the last that there can be.
    private long mostBlock() {
        int blocks = engine.stats().blocks();
        return blocks > 0 ? blocks - 1 : Integer.MAX_VALUE - 1;
    }

    @GET
    @Path("v1/cache/sequences")
    @Operation(
            summary = "The sequences that run or wait, page by page",
            description = "Ids and counts, never what they say. 404 unless quire.inspect.enabled.")
    public Uni<SequenceListResponse> sequences(
            @Parameter(description = "Sequences behind this one, which may have ended") @QueryParam("after")
                    String after,
            @Parameter(description = "At most as many, 1 to 1000; 100 if not said") @QueryParam("limit") String limit) {
        return Uni.createFrom()
                .item(() -> {
                    inspections.require();
                    return PageQuery.of(after, limit, PageQuery.MOST_ID);
                })
                .onItem()
                .transformToUni(page -> inspections.answer(ready -> ready.sequences(page.after(), page.limit())))
                .onItem()
                .transform(SequenceListResponse::of);
    }

    @GET
    @Path("v1/cache/sequences/{id}")
    @Operation(
            summary = "One sequence and its block table",
            description = "404 once it has ended, and unless quire.inspect.enabled.")
    public Uni<SequenceResponse> sequence(@PathParam("id") String id) {
        return Uni.createFrom()
                .item(() -> {
                    inspections.require();
                    return PageQuery.id(id).orElseThrow(() -> unknown(id));
                })
                .onItem()
                .transformToUni(which -> inspections.answer(ready -> ready.table(which)))
                .onItem()
                .transform(found -> SequenceResponse.of(found.orElseThrow(() -> unknown(id))));
    }

    private static ApiException unknown(String id) {
        return ApiException.http(
                404,
                "sequence_not_found",
                "sequence must be one that GET /v1/cache/sequences lists: id="
                        + ApiException.excerpt(id, ApiException.MAX_EXCERPT));
    }
}
