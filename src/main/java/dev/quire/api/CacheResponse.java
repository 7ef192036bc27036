package dev.quire.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import dev.quire.engine.EngineStats;
import org.eclipse.microprofile.openapi.annotations.media.Schema;

/// The block pool after the last step, what sharing saves, and what a contiguous layout would take instead.
public record CacheResponse(
        @JsonProperty("block_size") @Schema(description = "Tokens of a block")
        int blockSize,

        @JsonProperty("blocks") Blocks blocks,

        @JsonProperty("usage") Occupancy usage,

        @JsonProperty("tokens_stored")
        @Schema(description = "Tokens that blocks in use hold, those of a shared block once")
        long tokensStored,

        @JsonProperty("tokens_logical")
        @Schema(
                description = "Tokens of the sequences that run, each on its own; choices that wait for their prompt to"
                        + " be computed count as well")
        long tokensLogical,

        @JsonProperty("waste") Waste waste,

        @JsonProperty("fragmentation") CacheFragmentation fragmentation,

        @JsonProperty("compaction") CacheMoves compaction,

        @JsonProperty("prefix_cache") PrefixCache prefixCache,

        @JsonProperty("sharing") Sharing sharing,

        @JsonProperty("sequences") Sequences sequences,

        @JsonProperty("swap") Swap swap,

        @JsonProperty("contiguous") Contiguous contiguous,

        @JsonProperty("type")
        @JsonInclude(JsonInclude.Include.NON_NULL)
        @Schema(description = "How keys and values are kept (bf16); absent until the pool is there")
        String type,

        @JsonProperty("block_bytes") @Schema(description = "Bytes of a block, keys and values of all layers")
        long blockBytes,

        @JsonProperty("bytes") @Schema(description = "Bytes of the pool")
        long bytes) {
    /// Where the pool's blocks are.
    @Schema(description = "free + cached + in_use + in_transit = total")
    public record Blocks(
            @JsonProperty("total") int total,

            @JsonProperty("free") int free,

            @JsonProperty("cached") @Schema(description = "Held by nobody, kept for whoever shares their prefix")
            int cached,

            @JsonProperty("in_use") @Schema(description = "Held by at least one sequence")
            int inUse,

            @JsonProperty("in_transit") int inTransit) {}

    /// How full the pool is.
    public record Occupancy(
            @JsonProperty("blocks") @Schema(description = "Share of the blocks that are taken, 0 to 1")
            double blocks,

            @JsonProperty("tokens")
            @Schema(description = "Share of the pool's slots that hold a token of a running sequence, 0 to 1")
            double tokens,

            @JsonProperty("peak_blocks_in_use") @Schema(description = "Most blocks in use since the start")
            int peakBlocksInUse) {}

    /// Reserved slots without a token.
    public record Waste(
            @JsonProperty("tokens") @Schema(description = "Slots of the blocks taken that hold no token")
            long tokens,

            @JsonProperty("percent") @Schema(description = "The same in per cent of those slots")
            double percent,

            @JsonProperty("peak_tokens") @Schema(description = "The most at the end of a step since the start")
            long peakTokens) {}

    /// Since the start.
    public record PrefixCache(
            @JsonProperty("queries") @Schema(description = "Tokens looked up, a group's prompt once")
            long queries,

            @JsonProperty("hits") @Schema(description = "Tokens found, and so not computed")
            long hits,

            @JsonProperty("hit_rate") @Schema(description = "hits / queries, 0 without a query")
            double hitRate,

            @JsonProperty("evictions") @Schema(description = "Cached blocks taken for something else")
            long evictions) {}

    /// Blocks with several readers.
    public record Sharing(
            @JsonProperty("shared_blocks") @Schema(description = "Blocks that several sequences hold")
            int sharedBlocks,

            @JsonProperty("saved_blocks")
            @Schema(description = "Blocks that would be in use besides if nothing were shared")
            long savedBlocks,

            @JsonProperty("peak_saved_blocks") @Schema(description = "The most since the start")
            long peakSavedBlocks,

            @JsonProperty("copies") @Schema(description = "Blocks copied before a write since the start")
            long copies) {}

    /// Who holds the blocks.
    public record Sequences(
            @JsonProperty("running") int running,

            @JsonProperty("peak_running") @Schema(description = "The most since the start")
            int peakRunning,

            @JsonProperty("preemptions") @Schema(description = "Sequences that gave up their blocks since the start")
            long preemptions,

            @JsonProperty("restarts")
            @Schema(description = "Sequences that started again because nobody computed the prefix they shared")
            long restarts) {}

    /// Where preempted blocks go.
    @Schema(description = "Room for the blocks of preempted sequences, one in each slot")
    public record Swap(
            @JsonProperty("slots") int slots,

            @JsonProperty("used") int used,

            @JsonProperty("preemptions") @Schema(description = "Preemptions that moved blocks here since the start")
            long preemptions,

            @JsonProperty("blocks_out") @Schema(description = "Blocks copied here since the start")
            long blocksOut,

            @JsonProperty("blocks_in") @Schema(description = "Blocks copied back since the start")
            long blocksIn) {}

    /// The same sequences without pages.
    @Schema(
            description = "What a layout would take that reserves adjacent blocks for the longest that a sequence can"
                    + " get, and shares nothing; gaps between its runs are not counted")
    public record Contiguous(
            @JsonProperty("model_length") @Schema(description = "Most tokens of a sequence, prompt and answer")
            int modelLength,

            @JsonProperty("model") @Schema(description = "With model_length tokens for each sequence")
            Reserved model,

            @JsonProperty("request")
            @Schema(description = "With what each request can reach, its prompt and max_tokens")
            Reserved request) {}

    /// What one contiguous layout would take.
    public record Reserved(
            @JsonProperty("blocks")
            @Schema(description = "Blocks reserved for the sequences that run; may exceed the pool")
            long blocks,

            @JsonProperty("tokens") @Schema(description = "The same in slots")
            long tokens,

            @JsonProperty("peak_blocks") @Schema(description = "The most since the start")
            long peakBlocks,

            @JsonProperty("sequences_fitting")
            @Schema(
                    description = "How many of the running sequences would fit the pool at once, in the order of"
                            + " admission")
            int sequencesFitting,

            @JsonProperty("peak_sequences_fitting") @Schema(description = "The most since the start")
            int peakSequencesFitting,

            @JsonProperty("waste") Waste waste) {}

    static CacheResponse of(EngineStats stats, String type) {
        EngineStats.Sharing sharing = stats.sharing();
        EngineStats.Contiguous contiguous = stats.contiguous();
        return new CacheResponse(
                stats.blockSize(),
                new Blocks(stats.blocks(), stats.free(), stats.cached(), stats.inUse(), stats.inTransit()),
                new Occupancy(
                        stats.blockUsage(), stats.tokenUsage(), stats.peaks().inUse()),
                stats.tokensStored(),
                stats.tokensLogical(),
                new Waste(
                        stats.wasteTokens(), stats.wastePercent(), stats.peaks().wasteTokens()),
                CacheFragmentation.of(stats),
                CacheMoves.of(stats.moves()),
                new PrefixCache(sharing.prefixQueries(), sharing.prefixHits(), sharing.hitRate(), sharing.evictions()),
                new Sharing(sharing.blocks(), sharing.saved(), stats.peaks().saved(), sharing.copies()),
                new Sequences(stats.running(), stats.peaks().running(), stats.preemptions(), sharing.restarts()),
                swap(stats.swap()),
                new Contiguous(
                        stats.modelLength(),
                        reserved(stats, contiguous.model()),
                        reserved(stats, contiguous.request())),
                type,
                stats.blockBytes(),
                stats.blocks() * stats.blockBytes());
    }

    private static Swap swap(EngineStats.Swap swap) {
        return new Swap(swap.slots(), swap.used(), swap.preemptions(), swap.blocksOut(), swap.blocksIn());
    }

    private static Reserved reserved(EngineStats stats, EngineStats.Reserved reserved) {
        return new Reserved(
                reserved.blocks(),
                reserved.blocks() * stats.blockSize(),
                reserved.peakBlocks(),
                reserved.fitting(),
                reserved.peakFitting(),
                new Waste(stats.wasteTokens(reserved), stats.wastePercent(reserved), reserved.peakWasteTokens()));
    }
}
