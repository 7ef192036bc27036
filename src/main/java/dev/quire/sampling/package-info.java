/// How a token is chosen from logits: the parameters, and the sampler that defines what the native ones compute.
///
/// Start with {@link dev.quire.sampling.SamplingParameters}, then {@link dev.quire.sampling.ReferenceSampler}. Nothing
/// here knows a sequence or a kernel.
package dev.quire.sampling;
