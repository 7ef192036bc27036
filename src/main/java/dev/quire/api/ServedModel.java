package dev.quire.api;

import dev.quire.engine.EngineStats;
import dev.quire.engine.InferenceEngine;
import dev.quire.engine.LoadedModel;
import io.smallrye.mutiny.Uni;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.Optional;

/// The one model of this process, as requests name it. Thread-safe.
@Singleton
final class ServedModel {
    /// Loading takes seconds where the weights are mapped; a client that comes back too early is told again.
    private static final int RETRY_AFTER_SECONDS = 2;

    /// How long a request waits for a model that is being loaded. Fetching one takes longer.
    private static final Duration START_PATIENCE = Duration.ofSeconds(30);

    private final InferenceEngine engine;

    ServedModel(InferenceEngine engine) {
        this.engine = engine;
    }

    /// Comes when starting is over, at the latest after a while: whoever asks during a cold start waits for the model
    /// rather than being sent away.
    Uni<Void> settled() {
        return Uni.createFrom()
                .completionStage(engine::settled)
                .ifNoItem()
                .after(START_PATIENCE)
                .recoverWithItem((Void) null);
    }

    /// The model, or 503 while there is none.
    LoadedModel get() {
        return engine.model().orElseThrow(() -> {
            EngineStats stats = engine.stats();
            return ApiException.unavailable(
                    "engine must be ready: state=" + stats.state() + ", reason=" + stats.stateReason(),
                    RETRY_AFTER_SECONDS);
        });
    }

    /// The model, if it is the one that is named; a request that names none means it, as in vLLM.
    LoadedModel get(Optional<String> name) {
        LoadedModel model = get();
        if (name.isPresent() && !name.get().equals(model.name())) {
            throw ApiException.modelNotFound(name.get());
        }
        return model;
    }
}
