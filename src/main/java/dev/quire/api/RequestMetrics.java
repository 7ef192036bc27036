package dev.quire.api;

import dev.quire.engine.GenerationEvent;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import jakarta.inject.Singleton;
import java.time.Duration;
import java.util.stream.Stream;

/// How long users wait: two histograms, named as vLLM's are. Thread-safe.
@Singleton
final class RequestMetrics {
    /// Bucket bounds: a cached prompt on a fast machine to a long one on a slow one.
    private static final Duration[] BUCKETS = Stream.of(
                    5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000)
            .map(Duration::ofMillis)
            .toArray(Duration[]::new);

    private final Timer timeToFirstToken;
    private final Timer duration;

    RequestMetrics(MeterRegistry registry) {
        timeToFirstToken = Timer.builder("quire_time_to_first_token")
                .description("From a request's arrival to its answer's first token")
                .serviceLevelObjectives(BUCKETS)
                .register(registry);
        duration = Timer.builder("quire_e2e_request_latency")
                .description("From a request's arrival to the end of its answer")
                .serviceLevelObjectives(BUCKETS)
                .register(registry);
    }

    /// A request has arrived.
    Timing begin() {
        return new Timing(System.nanoTime());
    }

    /// One request's clock. Not thread-safe: its events come one after another.
    final class Timing {
        private final long startNanos;
        private boolean answering;
        private int open = 1; // choices that have not ended

        private Timing(long startNanos) {
            this.startNanos = startNanos;
        }

        /// The answer will have that many choices.
        void expect(int choices) {
            open = choices;
        }

        void saw(GenerationEvent event) {
            var elapsed = Duration.ofNanos(System.nanoTime() - startNanos);
            if (event instanceof GenerationEvent.Delta && !answering) {
                answering = true;
                timeToFirstToken.record(elapsed);
            }
            if (event instanceof GenerationEvent.Finished && --open == 0) {
                duration.record(elapsed);
            }
        }
    }
}
