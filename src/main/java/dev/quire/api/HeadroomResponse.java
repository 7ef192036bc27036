package dev.quire.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.quire.engine.EngineStats;
import org.eclipse.microprofile.openapi.annotations.media.Schema;

/// What could be admitted if it came now, after the last step. All 0 unless the engine takes requests.
public record HeadroomResponse(
        @JsonProperty("blocks")
        @Schema(description = "Blocks that nobody holds and that are not kept for those who run; 0 while one waits")
        int blocks,

        @JsonProperty("tokens") @Schema(description = "Tokens that these have room for")
        long tokens,

        @JsonProperty("sequences") @Schema(description = "Sequences that could run besides")
        int sequences,

        @JsonProperty("waiting") @Schema(description = "Requests that could wait besides")
        int waiting) {
    static HeadroomResponse of(EngineStats stats) {
        if (stats.state() != EngineStats.State.READY) {
            return new HeadroomResponse(0, 0, 0, 0);
        }
        EngineStats.Headroom headroom = stats.headroom();
        return new HeadroomResponse(
                headroom.blocks(),
                (long) headroom.blocks() * stats.blockSize(),
                headroom.sequences(),
                stats.capacity() - stats.waiting());
    }
}
