/// The only thread and the only life cycle: takes requests in, runs steps, hands tokens out.
///
/// Start with {@link dev.quire.engine.InferenceEngine}, then {@link dev.quire.engine.EngineLoop}. It owns every
/// package below; other threads see it through {@link dev.quire.engine.EngineStats} and one stream per request.
package dev.quire.engine;
