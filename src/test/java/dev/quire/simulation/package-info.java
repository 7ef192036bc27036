/// The scheduler and the cache, driven through random workloads with a fake clock and fake kernels.
///
/// A {@link dev.quire.simulation.Workload} is data: made from a seed by {@link dev.quire.simulation.WorkloadMaker},
/// run by {@link dev.quire.simulation.Simulation}, made small by {@link dev.quire.simulation.Shrinker} when it fails.
/// {@link dev.quire.simulation.FakeMemory} holds what the engine would keep in its blocks, so that a read of
/// anything else than what the sequence itself would have written is seen at once; each sequence must answer what
/// its {@link dev.quire.simulation.Twin} answers, alone and with endless memory.
package dev.quire.simulation;
