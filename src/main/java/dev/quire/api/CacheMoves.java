package dev.quire.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.quire.engine.EngineStats;
import org.eclipse.microprofile.openapi.annotations.media.Schema;

/// What was moved since the start, and which runs of adjacent blocks were not to be had.
public record CacheMoves(
        @JsonProperty("compactions") @Schema(description = "Compactions that moved something")
        long compactions,

        @JsonProperty("blocks_moved") @Schema(description = "Blocks that they copied")
        long blocksMoved,

        @JsonProperty("relocations")
        @Schema(description = "Sequences of the contiguous layout that outgrew their run and moved to a larger one")
        long relocations,

        @JsonProperty("runs_missed")
        @Schema(
                description = "Times that a sequence found no run at once though enough blocks were free; counted once"
                        + " until it has one")
        long runsMissed,

        @JsonProperty("runs_outgrown")
        @Schema(description = "Sequences that outgrew their run and found no other: they or others gave way")
        long runsOutgrown) {
    static CacheMoves of(EngineStats.Moves moves) {
        return new CacheMoves(
                moves.compactions(), moves.blocks(), moves.relocations(), moves.runsMissed(), moves.runsOutgrown());
    }
}
