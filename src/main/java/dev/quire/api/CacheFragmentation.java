package dev.quire.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.quire.engine.EngineStats;
import org.eclipse.microprofile.openapi.annotations.media.Schema;

/// What slots are wasted on, and how far free blocks lie apart.
@Schema(description = "reserved + internal + tokens_stored = the slots of all blocks that somebody holds")
public record CacheFragmentation(
        @JsonProperty("ratio")
        @Schema(
                description = "1 - longest_free_run / the blocks that nobody holds, cached ones too, since they are"
                        + " evicted when they are taken; 0 to 1. Above quire.cache.compaction.threshold blocks are"
                        + " moved to make room. At most a second old while sequences run, in the paged layout")
        double ratio,

        @JsonProperty("longest_free_run") @Schema(description = "Adjacent blocks that nobody holds")
        int longestFreeRun,

        @JsonProperty("reserved") @Schema(description = "Slots held for tokens that may still come")
        Slots reserved,

        @JsonProperty("internal") @Schema(description = "Slots held that can never be used")
        Slots internal,

        @JsonProperty("external")
        @Schema(
                description = "Slots that nobody holds and that cannot be had: outside the longest free run in the"
                        + " contiguous layout, none in the others")
        Slots external) {
    /// Slots, each for a token.
    public record Slots(
            @JsonProperty("tokens") long tokens,

            @JsonProperty("bytes") long bytes) {}

    static CacheFragmentation of(EngineStats stats) {
        EngineStats.Fragmentation fragmentation = stats.fragmentation();
        return new CacheFragmentation(
                fragmentation.ratio(),
                fragmentation.longestFree(),
                slots(stats, fragmentation.reservedTokens()),
                slots(stats, fragmentation.internalTokens()),
                slots(stats, fragmentation.externalTokens()));
    }

    private static Slots slots(EngineStats stats, long tokens) {
        return new Slots(tokens, stats.bytes(tokens));
    }
}
