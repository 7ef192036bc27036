/// The commands of `./quire`: serve, generate, bench, inspect, pack, pull, tokenize.
///
/// Start with {@link dev.quire.cli.Quire}. Only `serve` starts Quarkus; the others use the engine, the load
/// generator, the tokenizer or the model file directly. Nothing here knows HTTP, the scheduler or the cache.
package dev.quire.cli;
