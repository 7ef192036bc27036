/// What a model file's tensors mean, and the forward pass over them.
///
/// Start with {@link dev.quire.model.Transformer}. It takes a flat batch: nothing here knows a sequence, a block pool
/// or how a kernel computes.
package dev.quire.model;
