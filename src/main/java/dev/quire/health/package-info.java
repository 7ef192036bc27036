/// Probes and metrics: what an orchestrator and a dashboard ask.
///
/// Start with {@link dev.quire.health.ReadinessRule}. Everything comes from one {@link
/// dev.quire.engine.EngineStats}; a probe never waits for the engine and never touches the pool.
package dev.quire.health;
