package dev.quire.api;

import dev.quire.engine.LoadedModel;
import io.smallrye.mutiny.Uni;
import io.smallrye.mutiny.infrastructure.Infrastructure;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.core.MediaType;
import java.io.InputStream;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.RequestBody;

/// Text ↔ token ids, as vLLM's endpoints of the same names.
@Path("/")
@Consumes(MediaType.APPLICATION_JSON)
@Produces(MediaType.APPLICATION_JSON)
public final class TokenResource {
    private final Json json;
    private final ServedModel model;

    TokenResource(Json json, ServedModel model) {
        this.json = json;
        this.model = model;
    }

    @POST
    @Path("tokenize")
    @Operation(summary = "The token ids of a text or a chat")
    @RequestBody(content = @Content(mediaType = "application/json", schema = @Schema(ref = "TokenizeRequest")))
    public Uni<TokenizeResponse> tokenize(InputStream body) {
        return model.settled()
                .emitOn(Infrastructure.getDefaultWorkerPool())
                .onItem()
                .transform(_ -> {
                    var request = TokenizeRequest.parse(json.fields(body));
                    LoadedModel served = model.get(request.model());
                    int[] tokens = request.encode(served);
                    return new TokenizeResponse(tokens.length, served.contextLength(), tokens);
                });
    }

    @POST
    @Path("detokenize")
    @Operation(summary = "The text of token ids")
    @RequestBody(content = @Content(mediaType = "application/json", schema = @Schema(ref = "DetokenizeRequest")))
    public Uni<DetokenizeResponse> detokenize(InputStream body) {
        return model.settled()
                .emitOn(Infrastructure.getDefaultWorkerPool())
                .onItem()
                .transform(_ -> {
                    RequestFields fields = json.fields(body);
                    LoadedModel served = model.get(fields.text("model"));
                    int[] tokens = Prompt.checked("tokens", fields.tokens("tokens"), served.vocabulary());
                    return new DetokenizeResponse(served.tokenizer().decode(tokens));
                });
    }
}
