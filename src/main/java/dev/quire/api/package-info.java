/// HTTP in and out, in the shapes that OpenAI's and vLLM's clients know.
///
/// Start with {@link dev.quire.api.CompletionResource}, then {@link dev.quire.api.Generations}, which takes every
/// generation from its body to its answer. A body becomes a request record (`…Request.parse`) or one
/// {@link dev.quire.api.ApiException}, which {@link dev.quire.api.ErrorMapper} turns into a response. Nothing here
/// knows blocks, steps or kernels; the engine is a door that takes token ids and gives events.
package dev.quire.api;
