package dev.quire.health;

import dev.quire.engine.EngineStats;
import dev.quire.engine.EngineStats.Contiguous;
import dev.quire.engine.EngineStats.Reserved;
import dev.quire.engine.EngineStats.StepNanos;
import dev.quire.engine.InferenceEngine;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import jakarta.inject.Singleton;
import java.util.function.Function;
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
        pool(registry);
        fragmentation(registry);
        sharing(registry);
        swap(registry);
        contiguous(registry, "model", Contiguous::model);
        contiguous(registry, "request", Contiguous::request);
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

    private void pool(MeterRegistry registry) {
        gauge(registry, "quire_kv_cache_usage", "Share of blocks in use, 0 to 1", EngineStats::blockUsage);
        gauge(
                registry,
                "quire_kv_cache_token_usage",
                "Share of the pool's slots that hold a token of a running sequence, 0 to 1",
                EngineStats::tokenUsage);
        gauge(
                registry,
                "quire_kv_tokens_stored",
                "Tokens that blocks in use hold, those of a shared block once",
                EngineStats::tokensStored);
        gauge(
                registry,
                "quire_kv_tokens_logical",
                "Tokens of the sequences that run, each on its own",
                EngineStats::tokensLogical);
        gauge(registry, "quire_kv_waste_tokens", "Slots of blocks in use without a token", EngineStats::wasteTokens);
        blocks(registry, "free", EngineStats::free);
        blocks(registry, "cached", EngineStats::cached);
        blocks(registry, "in_use", EngineStats::inUse);
        blocks(registry, "in_transit", EngineStats::inTransit);
        gauge(registry, "quire_kv_blocks_in_use_peak", "Most blocks in use since the start", stats -> stats.peaks()
                .inUse());
    }

    private void fragmentation(MeterRegistry registry) {
        wasted(registry, "reserved", stats -> stats.fragmentation().reservedTokens());
        wasted(registry, "internal", stats -> stats.fragmentation().internalTokens());
        wasted(registry, "external", stats -> stats.fragmentation().externalTokens());
        gauge(
                registry,
                "quire_kv_fragmentation",
                "1 - longest free run / blocks that nobody holds, 0 to 1",
                stats -> stats.fragmentation().ratio());
        counter(registry, "quire_kv_compactions", "Compactions that moved something", stats -> stats.moves()
                .compactions());
        counter(registry, "quire_kv_blocks_moved", "Blocks copied by compactions", stats -> stats.moves()
                .blocks());
        counter(registry, "quire_contiguous_relocations", "Runs copied to larger ones", stats -> stats.moves()
                .relocations());
        counter(
                registry,
                "quire_contiguous_runs_missed",
                "Times that no run was to be had though enough blocks were free",
                stats -> stats.moves().runsMissed());
        counter(
                registry,
                "quire_contiguous_runs_outgrown",
                "Sequences that outgrew their run and found no other",
                stats -> stats.moves().runsOutgrown());
    }

    private void wasted(MeterRegistry registry, String kind, ToDoubleFunction<EngineStats> value) {
        Gauge.builder("quire_kv_wasted_tokens", engine, e -> value.applyAsDouble(e.stats()))
                .description("Slots without a token, by what they are wasted on")
                .tag("kind", kind)
                .register(registry);
    }

    private void sharing(MeterRegistry registry) {
        gauge(registry, "quire_kv_blocks_shared", "Blocks that several sequences hold", stats -> stats.sharing()
                .blocks());
        gauge(
                registry,
                "quire_kv_blocks_saved",
                "Blocks that would be in use besides if nothing were shared",
                stats -> stats.sharing().saved());
        gauge(registry, "quire_kv_blocks_saved_peak", "Most blocks saved since the start", stats -> stats.peaks()
                .saved());
        counter(registry, "quire_prefix_cache_queries", "Tokens looked up in the prefix cache", stats -> stats.sharing()
                .prefixQueries());
        counter(
                registry,
                "quire_prefix_cache_hits",
                "Tokens of those that were found, and so not computed",
                stats -> stats.sharing().prefixHits());
        counter(registry, "quire_kv_evictions", "Cached blocks taken for something else", stats -> stats.sharing()
                .evictions());
        counter(registry, "quire_kv_copies", "Shared blocks copied before a write", stats -> stats.sharing()
                .copies());
        counter(
                registry,
                "quire_num_restarts",
                "Sequences that started again because nobody computed the prefix they shared",
                stats -> stats.sharing().restarts());
    }

    private void swap(MeterRegistry registry) {
        gauge(registry, "quire_swap_slots", "Blocks that the swap space has room for", stats -> stats.swap()
                .slots());
        gauge(registry, "quire_swap_slots_used", "Blocks in the swap space, or on their way", stats -> stats.swap()
                .used());
        counter(registry, "quire_num_swaps", "Preemptions that moved blocks to the swap space", stats -> stats.swap()
                .preemptions());
        swapped(registry, "out", stats -> stats.swap().blocksOut());
        swapped(registry, "in", stats -> stats.swap().blocksIn());
    }

    private void swapped(MeterRegistry registry, String direction, ToDoubleFunction<EngineStats> value) {
        FunctionCounter.builder("quire_swapped_blocks", engine, e -> value.applyAsDouble(e.stats()))
                .description("Blocks copied out of the pool and back in")
                .tag("direction", direction)
                .register(registry);
    }

    /// `length`: the runs are as long as the `model` allows, or as the `request` does.
    private void contiguous(MeterRegistry registry, String length, Function<Contiguous, Reserved> which) {
        reserved(
                registry,
                "quire_contiguous_blocks",
                length,
                "Blocks that a contiguous layout would reserve for the sequences that run",
                stats -> which.apply(stats.contiguous()).blocks());
        reserved(
                registry,
                "quire_contiguous_blocks_peak",
                length,
                "Most blocks that a contiguous layout would have reserved since the start",
                stats -> which.apply(stats.contiguous()).peakBlocks());
        reserved(
                registry,
                "quire_contiguous_waste_tokens",
                length,
                "Slots of those blocks without a token",
                stats -> stats.wasteTokens(which.apply(stats.contiguous())));
        reserved(
                registry,
                "quire_contiguous_sequences_fitting",
                length,
                "Sequences that run now and would fit the pool at once with a contiguous layout",
                stats -> which.apply(stats.contiguous()).fitting());
    }

    private void reserved(
            MeterRegistry registry, String name, String length, String text, ToDoubleFunction<EngineStats> value) {
        Gauge.builder(name, engine, e -> value.applyAsDouble(e.stats()))
                .description(text)
                .tag("length", length)
                .register(registry);
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
