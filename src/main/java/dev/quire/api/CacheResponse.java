package dev.quire.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import dev.quire.engine.EngineStats;

/// The block pool after the last step. `type`: how keys and values are kept (`bf16`), absent until the pool is there.
/// `blockBytes` and `bytes`: of one block and of the pool, keys and values of all layers.
public record CacheResponse(
        @JsonProperty("block_size") int blockSize,
        @JsonProperty("blocks") Blocks blocks,
        @JsonProperty("tokens_stored") long tokensStored,
        @JsonProperty("waste") Waste waste,

        @JsonProperty("type") @JsonInclude(JsonInclude.Include.NON_NULL)
        String type,

        @JsonProperty("block_bytes") long blockBytes,
        @JsonProperty("bytes") long bytes) {
    /// `free + cached + inUse + inTransit = total`.
    public record Blocks(
            @JsonProperty("total") int total,
            @JsonProperty("free") int free,
            @JsonProperty("cached") int cached,
            @JsonProperty("in_use") int inUse,
            @JsonProperty("in_transit") int inTransit) {}

    /// Slots of blocks in use that hold no token, and their share of those slots in per cent.
    public record Waste(
            @JsonProperty("tokens") long tokens,
            @JsonProperty("percent") double percent) {}

    static CacheResponse of(EngineStats stats, String type) {
        return new CacheResponse(
                stats.blockSize(),
                new Blocks(stats.blocks(), stats.free(), stats.cached(), stats.inUse(), stats.inTransit()),
                stats.tokensStored(),
                new Waste(stats.wasteTokens(), stats.wastePercent()),
                type,
                stats.blockBytes(),
                stats.blocks() * stats.blockBytes());
    }
}
