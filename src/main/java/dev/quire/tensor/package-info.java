/// What a weight is: its element type, its shape and where its bytes lie.
///
/// Start with {@link dev.quire.tensor.Tensor}. Nothing here knows a file format, a model or a kernel.
package dev.quire.tensor;
