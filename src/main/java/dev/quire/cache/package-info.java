/// Bookkeeping of KV blocks: who holds which block, what may be shared, copied and reclaimed.
///
/// Start with {@link dev.quire.cache.BlockPool}, then {@link dev.quire.cache.BlockTable}. Nothing here touches memory:
/// callers receive ids and plans and move the bytes themselves, so every test in this package runs without a model or
/// a device. It uses nothing else of the project and can be used alone:
///
/// ```java
/// var pool = new BlockPool(100, 16, new PrefixIndex(100, 16)); // 100 blocks of 16 tokens
/// var copies = new BlockCopies(1);
/// var first = new BlockTable(pool, new int[64], ""); // the sequence's tokens: a prompt of 40, room for 24 more
/// first.open(40, 40, 0); // takes three blocks; a sequence that finds part of its prompt here takes fewer
/// first.append(40); // their keys and values are computed and stand at first.slot(0) … first.slot(39)
/// var second = new BlockTable(pool, new int[64], "");
/// first.fork(second); // holds the same three blocks, the partly filled one too
/// second.reserve(41, copies); // first copy copies.source(0) to copies.destination(0), then write second.slot(40)
/// first.release(); // the partly filled block is free; `second` holds the other two
/// first.open(40, 40, 0); // finds these two again: first.length() is 32, and 8 tokens are left to compute
/// ```
package dev.quire.cache;
