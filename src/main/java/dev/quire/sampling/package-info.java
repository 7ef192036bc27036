/// How a token is chosen from logits: the parameters, and the sampler that defines what the native ones compute;
/// and how the likeliest answers are searched for, in beams.
///
/// Start with {@link dev.quire.sampling.SamplingParameters}, then {@link dev.quire.sampling.ReferenceSampler}; of
/// beams, with {@link dev.quire.sampling.BeamSearch}. Nothing here knows a sequence or a kernel.
package dev.quire.sampling;
