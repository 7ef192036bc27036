/// Bookkeeping of KV blocks: who holds which block, and what may be reclaimed.
///
/// Start with {@link dev.quire.cache.BlockPool}, then {@link dev.quire.cache.BlockTable}. Nothing here touches memory:
/// callers receive ids and plans and move the bytes themselves, so every test in this package runs without a model or
/// a device.
package dev.quire.cache;
