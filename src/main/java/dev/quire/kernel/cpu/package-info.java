/// The CPU backend: native-libs/cpu through JavaCPP.
///
/// Start with {@link dev.quire.kernel.cpu.CpuKernels}; {@link dev.quire.kernel.cpu.QuireCpu} binds `quire_kernels.h`
/// by hand. Nothing here computes: it packs weights at load, hands addresses over and turns statuses into exceptions.
package dev.quire.kernel.cpu;
