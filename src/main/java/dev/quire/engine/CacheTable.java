package dev.quire.engine;

/// A sequence's block table in position order, after `step` steps: for each entry the block, or `~slot` where it is
/// in the swap space, and the block's references and tokens, 0 there.
public record CacheTable(long step, CacheSequence sequence, int[] block, int[] references, int[] tokens) {}
