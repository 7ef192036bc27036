package dev.quire.health;

import dev.quire.engine.EngineStats;
import dev.quire.engine.EngineStats.StepNanos;
import dev.quire.engine.InferenceEngine;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import jakarta.inject.Singleton;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;

/// The engine's state as metrics, named as vLLM's users know them with `quire_` for `vllm:`. Read when scraped: no
/// metric costs a step anything.
@Singleton
public final class EngineMetrics implements MeterBinder {
    private final InferenceEngine engine;

    EngineMetrics(InferenceEngine engine) {
        this.engine = engine;
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        gauge(registry, "quire_num_requests_running", "Sequences that run", EngineStats::running);
        gauge(registry, "quire_num_requests_waiting", "Requests that wait", EngineStats::waiting);
        gauge(registry, "quire_kv_cache_usage", "Share of blocks in use, 0 to 1", EngineMetrics::usage);
        gauge(registry, "quire_kv_tokens_stored", "Tokens that blocks in use hold", EngineStats::tokensStored);
        gauge(registry, "quire_kv_waste_tokens", "Slots of blocks in use without a token", EngineStats::wasteTokens);
        blocks(registry, "free", EngineStats::free);
        blocks(registry, "cached", EngineStats::cached);
        blocks(registry, "in_use", EngineStats::inUse);
        blocks(registry, "in_transit", EngineStats::inTransit);
        counter(registry, "quire_num_preemptions", "Sequences that gave up their blocks", EngineStats::preemptions);
        counter(registry, "quire_prompt_tokens", "Prompt tokens computed", EngineStats::promptTokens);
        counter(registry, "quire_generation_tokens", "Tokens generated", EngineStats::generatedTokens);
        counter(registry, "quire_steps", "Forward passes", EngineStats::steps);
        requests(registry, "finished", EngineStats::finished);
        requests(registry, "cancelled", EngineStats::cancelled);
        requests(registry, "failed", EngineStats::failed);
        seconds(registry, "wait", StepNanos::waiting);
        seconds(registry, "schedule", StepNanos::schedule);
        seconds(registry, "build", StepNanos::build);
        seconds(registry, "kernels", StepNanos::kernels);
        seconds(registry, "sample", StepNanos::sample);
        seconds(registry, "deliver", StepNanos::deliver);
    }

    private static double usage(EngineStats stats) {
        return stats.blocks() == 0 ? 0 : (double) (stats.inUse() + stats.inTransit()) / stats.blocks();
    }

    private void gauge(MeterRegistry registry, String name, String text, ToDoubleFunction<EngineStats> value) {
        Gauge.builder(name, engine, e -> value.applyAsDouble(e.stats()))
                .description(text)
                .register(registry);
    }

    private void blocks(MeterRegistry registry, String state, ToDoubleFunction<EngineStats> value) {
        Gauge.builder("quire_kv_blocks", engine, e -> value.applyAsDouble(e.stats()))
                .description("Blocks of the pool by state")
                .tag("state", state)
                .register(registry);
    }

    private void counter(MeterRegistry registry, String name, String text, ToDoubleFunction<EngineStats> value) {
        FunctionCounter.builder(name, engine, e -> value.applyAsDouble(e.stats()))
                .description(text)
                .register(registry);
    }

    private void requests(MeterRegistry registry, String outcome, ToDoubleFunction<EngineStats> value) {
        FunctionCounter.builder("quire_requests", engine, e -> value.applyAsDouble(e.stats()))
                .description("Requests that ended, by outcome")
                .tag("outcome", outcome)
                .register(registry);
    }

    private void seconds(MeterRegistry registry, String part, ToLongFunction<StepNanos> nanos) {
        FunctionCounter.builder(
                        "quire_step_seconds",
                        engine,
                        e -> nanos.applyAsLong(e.stats().stepNanos()) / 1e9)
                .description("The engine thread's time by what it was spent on; the parts add up to all of it")
                .tag("part", part)
                .register(registry);
    }
}
