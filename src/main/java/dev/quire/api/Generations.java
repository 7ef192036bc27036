package dev.quire.api;

import dev.quire.engine.GenerationEvent;
import dev.quire.engine.GenerationRequest;
import dev.quire.engine.InferenceEngine;
import dev.quire.engine.Submission;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.infrastructure.Infrastructure;
import jakarta.inject.Singleton;
import java.io.InputStream;
import java.util.concurrent.atomic.AtomicReference;

/// One generation from its body to its answer: parse and tokenise on a worker thread, submit, say what the engine
/// answers in the endpoint's words. When the client goes, its connection cancels the stream, and that the request,
/// whether the answer streams or not. Thread-safe.
@Singleton
final class Generations {
    /// A body that has been understood. `choicesField`: the parameter that says how many choices are drawn.
    record Prepared(GenerationRequest request, String choicesField, boolean stream, Answer answer) {}

    /// Makes sense of an endpoint's body. Runs on a worker thread.
    interface Parser {
        Prepared parse(RequestFields fields);
    }

    private final InferenceEngine engine;
    private final ServedModel model;
    private final Json json;
    private final RequestMetrics metrics;
    private final AnswerBytes bytes;

    Generations(InferenceEngine engine, ServedModel model, Json json, RequestMetrics metrics) {
        this.engine = engine;
        this.model = model;
        this.json = json;
        this.metrics = metrics;
        this.bytes = new AnswerBytes(json);
    }

    AnswerStream answer(InputStream body, Parser parser) {
        var timing = metrics.begin();
        var form = new AtomicReference<>(AnswerStream.Form.WHOLE);
        Multi<byte[]> answer = model.settled()
                .emitOn(Infrastructure.getDefaultWorkerPool())
                .onItem()
                .transform(_ -> parser.parse(json.fields(body)))
                .toMulti()
                .onItem()
                .transformToMultiAndConcatenate(prepared -> {
                    timing.expect(prepared.answer().choices());
                    form.set(prepared.stream() ? AnswerStream.Form.EVENTS : AnswerStream.Form.WHOLE);
                    return generate(prepared, timing);
                });
        return new AnswerStream(answer, form);
    }

    /// Submits when it is subscribed to, in the same call: there is no moment at which a request is accepted and
    /// nobody could cancel it.
    private Multi<byte[]> generate(Prepared prepared, RequestMetrics.Timing timing) {
        return Multi.createFrom().deferred(() -> {
            Multi<GenerationEvent> events = accepted(
                            engine.submit(prepared.request(), prepared.answer().id()), prepared.choicesField())
                    .onItem()
                    .invoke(timing::saw);
            return prepared.stream() ? bytes.stream(events, prepared.answer()) : bytes.whole(events, prepared.answer());
        });
    }

    private static Multi<GenerationEvent> accepted(Submission submission, String choicesField) {
        return switch (submission) {
            case Submission.Accepted(var events) -> events;
            case Submission.QueueFull(var capacity, var retryAfterSeconds) ->
                throw ApiException.tooManyRequests(
                        "waiting requests must be at most the queue's capacity: capacity=" + capacity,
                        retryAfterSeconds);
            case Submission.AnswersTooLarge(var neededBytes, var bytes, var retryAfterSeconds) -> {
                String numbers = "needed_bytes=" + neededBytes + ", bytes=" + bytes;
                throw neededBytes > bytes
                        ? ApiException.impossible(
                                "max_tokens",
                                "answer_size_exceeded",
                                "answers, at their longest, must fit their share of the heap: " + numbers)
                        : ApiException.tooManyRequests(
                                "answers under way must fit their share of the heap: " + numbers, retryAfterSeconds);
            }
            case Submission.TooLong(var promptTokens, var maxTokens, var contextLength) ->
                throw ApiException.impossible(
                        promptTokens >= contextLength ? "prompt" : "max_tokens",
                        "context_length_exceeded",
                        "prompt and answer must fit the model's context: prompt_tokens=" + promptTokens
                                + ", max_tokens=" + maxTokens + ", max_model_len=" + contextLength);
            case Submission.TooLarge(var neededBlocks, var blocks, var blockSize) ->
                throw ApiException.impossible(
                        "max_tokens",
                        "cache_size_exceeded",
                        "prompt and answer must fit the block pool: needed_blocks=" + neededBlocks + ", blocks="
                                + blocks + ", block_size=" + blockSize);
            case Submission.TooManyChoices(var choices, var sequences) ->
                throw ApiException.invalid(
                        choicesField,
                        choicesField + " must be at most the sequences that run at once: " + choicesField + "="
                                + choices + ", quire.batch.sequences=" + sequences);
            case Submission.TooManyCandidates(var beamWidth, var endTokens, var candidates) ->
                throw ApiException.invalid(
                        "beam_width",
                        "beam_width and the model's end tokens must be at most " + candidates + " together: beam_width="
                                + beamWidth + ", end_tokens=" + endTokens);
            case Submission.UnknownToken(var parameter, var token, var vocabulary) ->
                throw ApiException.invalid(
                        parameter,
                        parameter + " must name tokens of the model: token=" + token + ", vocabulary=" + vocabulary);
            case Submission.Unavailable(var reason, var retryAfterSeconds) ->
                throw ApiException.unavailable("engine must take requests: reason=" + reason, retryAfterSeconds);
        };
    }
}
