package dev.quire.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.quire.engine.LoadedModel;
import io.smallrye.mutiny.Uni;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import java.util.List;
import java.util.Optional;
import org.eclipse.microprofile.openapi.annotations.Operation;

/// The model that this process serves, in vLLM's shape.
@Path("/v1/models")
@Produces(MediaType.APPLICATION_JSON)
public final class ModelResource {
    /// One model. `parent` is always null: there are no adapters.
    public record Model(
            @JsonProperty("id") String id,
            @JsonProperty("object") String object,
            @JsonProperty("created") long createdSeconds,
            @JsonProperty("owned_by") String ownedBy,
            @JsonProperty("root") String root,
            @JsonProperty("parent") String parent,
            @JsonProperty("max_model_len") int maxModelLength) {
        static Model of(LoadedModel model) {
            return new Model(
                    model.name(), "model", model.createdSeconds(), "quire", model.name(), null, model.contextLength());
        }
    }

    /// A list of one model.
    public record Models(
            @JsonProperty("object") String object,
            @JsonProperty("data") List<Model> data) {}

    private final ServedModel model;

    ModelResource(ServedModel model) {
        this.model = model;
    }

    @GET
    @Operation(summary = "The models that are served: one")
    public Uni<Models> list() {
        return Uni.createFrom().item(() -> new Models("list", List.of(Model.of(model.get()))));
    }

    @GET
    @Path("{id: .+}")
    @Operation(summary = "One model")
    public Uni<Model> get(@PathParam("id") String id) {
        return Uni.createFrom().item(() -> Model.of(model.get(Optional.of(id))));
    }
}
