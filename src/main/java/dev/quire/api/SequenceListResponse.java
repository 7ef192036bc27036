package dev.quire.api;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.quire.engine.CachePage;
import dev.quire.engine.CacheSequence;
import java.util.List;
import org.eclipse.microprofile.openapi.annotations.media.Schema;

/// Sequences that have not ended, in OpenAI's list style; all of one moment.
public record SequenceListResponse(
        @JsonProperty("object") String object,

        @JsonProperty("step")
        @Schema(description = "Steps that had been computed: two answers of one step fit together")
        long step,

        @JsonProperty("data") List<SequenceResponse> data,

        @JsonProperty("first_id") @Schema(description = "The first id of data; null where there is none")
        Long firstId,

        @JsonProperty("last_id") @Schema(description = "The last one: after for the next page")
        Long lastId,

        @JsonProperty("has_more") boolean hasMore) {
    static SequenceListResponse of(CachePage<CacheSequence> page) {
        List<SequenceResponse> data =
                page.items().stream().map(SequenceResponse::of).toList();
        return new SequenceListResponse(
                "list",
                page.step(),
                data,
                data.isEmpty() ? null : data.getFirst().id(),
                data.isEmpty() ? null : data.getLast().id(),
                page.more());
    }
}
