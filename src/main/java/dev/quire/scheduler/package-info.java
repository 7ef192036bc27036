/// Which sequences run in a step, and who gives way when blocks run out.
///
/// Start with {@link dev.quire.scheduler.Scheduler}, then {@link dev.quire.scheduler.Sequence}. Nothing here touches a
/// model, a kernel or a request: a plan goes down as data, sampled tokens come back as numbers.
package dev.quire.scheduler;
