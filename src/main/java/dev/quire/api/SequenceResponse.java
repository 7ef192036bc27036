package dev.quire.api;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import dev.quire.engine.CacheSequence;
import dev.quire.engine.CacheTable;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.eclipse.microprofile.openapi.annotations.media.Schema;

/// A sequence in numbers, never what it says; asked for alone, with its block table.
@Schema(name = "CacheSequence")
@JsonInclude(JsonInclude.Include.NON_NULL)
public record SequenceResponse(
        @JsonProperty("id") @Schema(description = "In the order of arrival, unique since the start")
        long id,

        @JsonProperty("object") String object,

        @JsonProperty("request") @Schema(description = "The id of the answer that it is a choice of")
        String request,

        @JsonProperty("state")
        @Schema(
                description =
                        "waiting, running, loading, swapped or following. swapped: its blocks are in the swap space; loading: on their way back; following:"
                                + " another choice of the request computes the prompt for it")
        String state,

        @JsonProperty("priority") int priority,

        @JsonProperty("prompt_tokens") int promptTokens,

        @JsonProperty("generated_tokens") int generatedTokens,

        @JsonProperty("computed_tokens") @Schema(description = "Tokens whose keys and values are kept")
        int computedTokens,

        @JsonProperty("cached_tokens") @Schema(description = "Prompt tokens that were found in the cache")
        int cachedTokens,

        @JsonProperty("blocks") @Schema(description = "Entries of its block table")
        int blocks,

        @JsonProperty("step") @Schema(description = "Steps that had been computed; in an answer about one sequence")
        Long step,

        @JsonProperty("block_table") @Schema(description = "In the order of positions; in an answer about one sequence")
        List<Entry> blockTable) {
    /// Where the tokens of a block's positions are: a block of the pool, or a slot of the swap space.
    @Schema(name = "CacheTableEntry")
    @JsonInclude(JsonInclude.Include.NON_NULL)
    public record Entry(
            @JsonProperty("block") @Schema(description = "The block; absent where it is in the swap space")
            Integer block,

            @JsonProperty("references") @Schema(description = "Sequences that hold the block")
            Integer references,

            @JsonProperty("tokens") @Schema(description = "Tokens in the block")
            Integer tokens,

            @JsonProperty("swap_slot") @Schema(description = "The slot of the swap space that holds it instead")
            Integer swapSlot) {
        private static Entry of(CacheTable table, int index) {
            int block = table.block()[index];
            return block < 0
                    ? new Entry(null, null, null, ~block)
                    : new Entry(block, table.references()[index], table.tokens()[index], null);
        }
    }

    static SequenceResponse of(CacheSequence sequence) {
        return of(sequence, null, null);
    }

    static SequenceResponse of(CacheTable table) {
        List<Entry> entries = IntStream.range(0, table.block().length)
                .mapToObj(index -> Entry.of(table, index))
                .toList();
        return of(table.sequence(), table.step(), entries);
    }

    private static SequenceResponse of(CacheSequence sequence, Long step, List<Entry> table) {
        return new SequenceResponse(
                sequence.id(),
                "cache.sequence",
                sequence.request(),
                sequence.state().name().toLowerCase(Locale.ROOT),
                sequence.priority(),
                sequence.promptTokens(),
                sequence.generatedTokens(),
                sequence.computedTokens(),
                sequence.cachedTokens(),
                sequence.blocks(),
                step,
                table);
    }
}
