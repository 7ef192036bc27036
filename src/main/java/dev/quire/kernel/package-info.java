/// The arithmetic of a step behind one small interface.
///
/// Start with {@link dev.quire.kernel.Kernels}; {@link dev.quire.kernel.Batch} is what a step computes,
/// {@link dev.quire.kernel.ReferenceKernels} is the slow, obvious definition of every operation. Nothing here knows a
/// sequence, a request or a model file; the native backends live in sub-packages that this package does not use.
package dev.quire.kernel;
