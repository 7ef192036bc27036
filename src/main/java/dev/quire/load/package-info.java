/// A load generator for any server with OpenAI's API, as `./quire bench` runs it: requests drawn from a seed,
/// sent by one thread, timed event by event.
///
/// Start with {@link dev.quire.load.LoadGenerator}, then {@link dev.quire.load.LoadRun}. Nothing here knows
/// Quire's own server, its engine or a model: prompts are random token ids or words, and lengths are what the
/// server's `usage` says.
package dev.quire.load;
