package dev.quire.api;

import dev.quire.engine.LoadedModel;
import io.vertx.core.http.HttpServerResponse;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.MediaType;
import java.io.InputStream;
import org.eclipse.microprofile.openapi.annotations.Operation;
import org.eclipse.microprofile.openapi.annotations.media.Content;
import org.eclipse.microprofile.openapi.annotations.media.Schema;
import org.eclipse.microprofile.openapi.annotations.parameters.RequestBody;
import org.eclipse.microprofile.openapi.annotations.responses.APIResponse;
import org.jboss.resteasy.reactive.RestMulti;

/// Completions: a prompt in, its continuation out.
@Path("/v1/completions")
public final class CompletionResource {
    private final Generations generations;
    private final ServedModel model;

    CompletionResource(Generations generations, ServedModel model) {
        this.generations = generations;
        this.model = model;
    }

    @POST
    @Consumes(MediaType.APPLICATION_JSON)
    @Operation(summary = "Continue a prompt", description = "With stream, as server-sent events; the last is [DONE].")
    @RequestBody(content = @Content(mediaType = "application/json", schema = @Schema(ref = "CompletionRequest")))
    @APIResponse(
            responseCode = "200",
            description = "The completion",
            content = @Content(schema = @Schema(implementation = CompletionResponse.class)))
    @APIResponse(
            responseCode = "400",
            description = "What is wrong with the request",
            content = @Content(schema = @Schema(implementation = ErrorResponse.class)))
    public RestMulti<byte[]> create(InputStream body, @Context HttpServerResponse response) {
        return generations.answer(body, this::prepare).through(response);
    }

    private Generations.Prepared prepare(RequestFields fields) {
        var request = CompletionRequest.parse(fields);
        LoadedModel served = model.get(request.model());
        int[] prompt = request.prompt().encode(served.tokenizer(), true);
        var head = AnswerHead.next("cmpl-", served.name());
        return new Generations.Prepared(
                request.generation(prompt),
                request.parameters()
                        .choicesField(request.bestOf() > request.parameters().n() ? "best_of" : "n"),
                request.parameters().stream(),
                new CompletionAnswer(head, request, prompt, served.tokenizer()));
    }
}
