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

/// Chats: messages in, the assistant's next one out.
@Path("/v1/chat/completions")
public final class ChatCompletionResource {
    private final Generations generations;
    private final ServedModel model;

    ChatCompletionResource(Generations generations, ServedModel model) {
        this.generations = generations;
        this.model = model;
    }

    @POST
    @Consumes(MediaType.APPLICATION_JSON)
    @Operation(summary = "Answer a chat", description = "With stream, as server-sent events; the last is [DONE].")
    @RequestBody(content = @Content(mediaType = "application/json", schema = @Schema(ref = "ChatCompletionRequest")))
    @APIResponse(
            responseCode = "200",
            description = "The answer",
            content = @Content(schema = @Schema(implementation = ChatCompletionResponse.class)))
    @APIResponse(
            responseCode = "400",
            description = "What is wrong with the request",
            content = @Content(schema = @Schema(implementation = ErrorResponse.class)))
    public RestMulti<byte[]> create(InputStream body, @Context HttpServerResponse response) {
        return generations.answer(body, this::prepare).through(response);
    }

    private Generations.Prepared prepare(RequestFields fields) {
        var request = ChatCompletionRequest.parse(fields);
        LoadedModel served = model.get(request.model());
        String text = request.prompt().render(served, true);
        // The template has written the special tokens already.
        int[] prompt = served.tokenizer().encode(text, false);
        var head = AnswerHead.next("chatcmpl-", served.name());
        return new Generations.Prepared(
                request.generation(prompt),
                request.parameters().choicesField("n"),
                request.parameters().stream(),
                new ChatAnswer(head, request, prompt.length, served.tokenizer()));
    }
}
