package dev.quire.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.quire.engine.CacheBlock;
import dev.quire.engine.CachePage;
import java.util.List;
import java.util.Locale;
import org.eclipse.microprofile.openapi.annotations.media.Schema;

/// Blocks of the pool, in OpenAI's list style; all of one moment.
public record BlockListResponse(
        @JsonProperty("object") String object,

        @JsonProperty("step")
        @Schema(description = "Steps that had been computed: two answers of one step fit together")
        long step,

        @JsonProperty("data") List<Block> data,

        @JsonProperty("first_id") @Schema(description = "The first block of data; null where there is none")
        Integer firstId,

        @JsonProperty("last_id") @Schema(description = "The last one: after for the next page")
        Integer lastId,

        @JsonProperty("has_more") boolean hasMore) {
    /// One block.
    @Schema(name = "CacheBlock")
    public record Block(
            @JsonProperty("id") int id,

            @JsonProperty("object") String object,

            @JsonProperty("state") @Schema(description = "free, cached, in_use or in_transit, as /v1/cache counts them")
            String state,

            @JsonProperty("references") @Schema(description = "Sequences that hold it")
            int references,

            @JsonProperty("tokens") @Schema(description = "Tokens in it, those of a cached block too")
            int tokens,

            @JsonProperty("owners") @Schema(description = "Ids of the sequences that hold it, 64 of them at most")
            long[] owners,

            @JsonProperty("last_use_ms")
            @Schema(description = "Milliseconds since a sequence last held it: 0 while one does, null if none ever did")
            Long lastUseMillis) {
        static Block of(CacheBlock block) {
            return new Block(
                    block.block(),
                    "cache.block",
                    block.state().name().toLowerCase(Locale.ROOT),
                    block.references(),
                    block.tokens(),
                    block.owners(),
                    block.unusedMillis().isPresent() ? block.unusedMillis().getAsLong() : null);
        }
    }

    static BlockListResponse of(CachePage<CacheBlock> page) {
        List<Block> data = page.items().stream().map(Block::of).toList();
        return new BlockListResponse(
                "list",
                page.step(),
                data,
                data.isEmpty() ? null : data.getFirst().id(),
                data.isEmpty() ? null : data.getLast().id(),
                page.more());
    }
}
