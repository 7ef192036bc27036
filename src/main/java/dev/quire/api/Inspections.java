package dev.quire.api;

import dev.quire.engine.InferenceEngine;
import dev.quire.engine.Inspection;
import io.smallrye.mutiny.Uni;
import io.smallrye.mutiny.infrastructure.Infrastructure;
import jakarta.inject.Singleton;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;

/// Asks the engine thread for what it does between two steps, if `quire.inspect.enabled` allows it, and says how
/// that went in our words. Thread-safe.
@Singleton
final class Inspections {
    private final InferenceEngine engine;

    Inspections(InferenceEngine engine) {
        this.engine = engine;
    }

    /// Refuses, as if the path were not there, where nobody is to ask.
    void require() {
        if (!engine.inspectable()) {
            throw ApiException.http(
                    404,
                    "inspection_off",
                    "quire.inspect.enabled must be true for this path: quire.inspect.enabled=false");
        }
    }

    /// What the engine answers to `question`, on a worker thread.
    <T> Uni<T> answer(Function<InferenceEngine, CompletionStage<Inspection<T>>> question) {
        return Uni.createFrom()
                .completionStage(() -> question.apply(engine))
                .emitOn(Infrastructure.getDefaultWorkerPool())
                .onItem()
                .transform(Inspections::value);
    }

    static <T> T value(Inspection<T> inspection) {
        return switch (inspection) {
            case Inspection.Answered<T>(var value) -> value;
            case Inspection.Busy<T>(var what, var capacity, var retryAfterSeconds) ->
                throw ApiException.tooManyRequests(
                        what + " at once must be at most their bound: capacity=" + capacity, retryAfterSeconds);
            case Inspection.Unavailable<T>(var reason, var retryAfterSeconds) ->
                throw ApiException.unavailable("engine must run: reason=" + reason, retryAfterSeconds);
        };
    }
}
