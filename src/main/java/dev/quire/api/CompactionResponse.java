package dev.quire.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import dev.quire.engine.CacheCompaction;
import org.eclipse.microprofile.openapi.annotations.media.Schema;

/// How a compaction ended.
public record CompactionResponse(
        @JsonProperty("object") String object,

        @JsonProperty("compacted") @Schema(description = "Whether there was reason to move anything")
        boolean compacted,

        @JsonProperty("reason")
        @JsonInclude(JsonInclude.Include.NON_NULL)
        @Schema(description = "Why nothing was moved; absent where compacted")
        String reason,

        @JsonProperty("threshold")
        @Schema(description = "quire.cache.compaction.threshold: the fragmentation above which blocks are moved")
        double threshold,

        @JsonProperty("fragmentation") Fragmentation fragmentation,

        @JsonProperty("blocks_moved") @Schema(description = "Blocks copied towards low ids")
        long blocksMoved,

        @JsonProperty("cached_blocks_evicted")
        @Schema(description = "Cached blocks that had to make room: they are evicted, never moved")
        long cachedBlocksEvicted) {
    /// 0 to 1, as `GET /v1/cache` has it.
    public record Fragmentation(
            @JsonProperty("before") double before,

            @JsonProperty("after") double after) {}

    static CompactionResponse of(CacheCompaction compaction) {
        return new CompactionResponse(
                "cache.compaction",
                compaction.needed(),
                compaction.needed()
                        ? null
                        : "fragmentation must be above the threshold: fragmentation=" + compaction.before()
                                + ", threshold=" + compaction.threshold(),
                compaction.threshold(),
                new Fragmentation(compaction.before(), compaction.after()),
                compaction.blocksMoved(),
                compaction.cachedEvicted());
    }
}
