package dev.quire.api;

import dev.quire.engine.GenerationEvent;
import io.smallrye.mutiny.Multi;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.jboss.logging.Logger;

/// Events → the bytes of an answer. Thread-safe; what belongs to one answer is in its {@link Answer}.
final class AnswerBytes {
    private static final Logger LOG = Logger.getLogger(AnswerBytes.class);
    private static final byte[] DONE = "data: [DONE]\n\n".getBytes(StandardCharsets.US_ASCII);

    /// What a client is told of a failure that the engine did not word for it.
    private static final String UNEXPECTED = "answer could not be completed";

    private final Json json;

    AnswerBytes(Json json) {
        this.json = json;
    }

    /// As server-sent events. A failure ends them with an error chunk instead of `[DONE]`: the status has gone out.
    Multi<byte[]> stream(Multi<GenerationEvent> events, Answer answer) {
        ChunkTemplate[] templates = templates(answer);
        Multi<byte[]> chunks = events.onItem()
                .transform(event -> event instanceof GenerationEvent.Delta delta && answer.onlyText(delta)
                        ? templates[delta.choice()].event(delta.text())
                        : say(event, answer))
                .onFailure()
                .recoverWithItem(failure -> {
                    LOG.error("answer could not be completed", failure);
                    return json.event(ApiException.failed(UNEXPECTED).response());
                });
        return new OpeningItem(chunks, events(answer.opening()));
    }

    private ChunkTemplate[] templates(Answer answer) {
        var templates = new ChunkTemplate[answer.choices()];
        Arrays.setAll(templates, choice -> new ChunkTemplate(json, text -> answer.textChunk(choice, text)));
        return templates;
    }

    private byte[] say(GenerationEvent event, Answer answer) {
        return switch (event) {
            case GenerationEvent.Failed(var message) ->
                json.event(ApiException.failed(message).response());
            case GenerationEvent.PromptScored _, GenerationEvent.Delta _, GenerationEvent.Finished _ -> {
                byte[] chunks = events(answer.chunks(event));
                yield answer.over() ? concatenated(chunks, DONE) : chunks;
            }
        };
    }

    /// In one piece, at the end.
    Multi<byte[]> whole(Multi<GenerationEvent> events, Answer answer) {
        return events.collect()
                .in(() -> answer, AnswerBytes::collect)
                .onItem()
                .transform(collected -> json.bytes(collected.whole()))
                .toMulti();
    }

    private static void collect(Answer answer, GenerationEvent event) {
        if (event instanceof GenerationEvent.Failed(var message)) {
            throw ApiException.failed(message);
        }
        answer.collect(event);
    }

    private byte[] events(List<Object> chunks) {
        var out = new ByteArrayOutputStream();
        chunks.forEach(chunk -> out.writeBytes(json.event(chunk)));
        return out.toByteArray();
    }

    private static byte[] concatenated(byte[] head, byte[] tail) {
        var out = new ByteArrayOutputStream(head.length + tail.length);
        out.writeBytes(head);
        out.writeBytes(tail);
        return out.toByteArray();
    }
}
