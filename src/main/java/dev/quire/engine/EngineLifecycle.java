package dev.quire.engine;

import io.quarkus.runtime.Quarkus;
import io.quarkus.runtime.ShutdownDelayInitiatedEvent;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.Startup;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;

/// Ties the engine to the application's life: started with it, closed with it. A model that cannot be used ends the
/// application with exit code 1 and one line.
@ApplicationScoped
@Startup
public class EngineLifecycle {
    private final InferenceEngine engine;

    public EngineLifecycle(QuireSettings settings) {
        engine = InferenceEngine.start(settings);
        Thread.ofVirtual().name("quire-start").start(this::exitIfFailed);
    }

    @Produces
    @Singleton
    InferenceEngine engine() {
        return engine;
    }

    /// While connections are still open: their answers end with an error rather than nowhere.
    void endAnswers(@Observes ShutdownDelayInitiatedEvent event) {
        engine.close();
    }

    void close(@Observes ShutdownEvent event) {
        engine.close();
    }

    private void exitIfFailed() {
        if (!engine.awaitReady(Long.MAX_VALUE) && engine.stats().state() == EngineStats.State.FAILED) {
            System.err.println("quire: " + engine.stats().stateReason());
            Quarkus.asyncExit(1);
        }
    }
}
