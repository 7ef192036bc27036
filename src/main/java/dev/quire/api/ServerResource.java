package dev.quire.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.quire.engine.EngineStats;
import dev.quire.engine.InferenceEngine;
import io.smallrye.mutiny.Uni;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.jboss.resteasy.reactive.RestResponse;

/// The server itself: its block pool, its version, and whether its engine runs.
@Path("/")
@Produces(MediaType.APPLICATION_JSON)
public final class ServerResource {
    /// The release.
    public record Version(@JsonProperty("version") String version) {}

    private final InferenceEngine engine;
    private final String version;

    ServerResource(InferenceEngine engine, @ConfigProperty(name = "quarkus.application.version") String version) {
        this.engine = engine;
        this.version = version;
    }

    @GET
    @Path("v1/cache")
    @Operation(summary = "The block pool: blocks, tokens and waste after the last step")
    public Uni<CacheResponse> cache() {
        return Uni.createFrom()
                .item(() -> CacheResponse.of(engine.stats(), engine.cacheType().orElse(null)));
    }

    @GET
    @Path("v1/cache/headroom")
    @Operation(summary = "What could be admitted now, for routers")
    public Uni<HeadroomResponse> headroom() {
        return Uni.createFrom().item(() -> HeadroomResponse.of(engine.stats()));
    }

    @GET
    @Path("version")
    @Operation(summary = "The server's version")
    public Uni<Version> version() {
        return Uni.createFrom().item(new Version(version));
    }

    /// vLLM's probe: an empty 200 while the engine runs. `/q/health` says more.
    @GET
    @Path("health")
    @Operation(summary = "Whether the engine runs")
    public Uni<RestResponse<Void>> health() {
        return Uni.createFrom().item(() -> {
            EngineStats stats = engine.stats();
            if (stats.state() != EngineStats.State.READY && stats.state() != EngineStats.State.DRAINING) {
                throw ApiException.unavailable(
                        "engine must be ready: state=" + stats.state() + ", reason=" + stats.stateReason(), 1);
            }
            return RestResponse.ok();
        });
    }
}
