package dev.quire.sampling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.IntStream;

/// A beam search driven as an engine would: a token stream for each beam, forked as the search says, and as few
/// candidates as it asks for, in an order of no meaning.
public final class BeamRun {
    /// An answer as a test compares it.
    public record Hypothesis(List<Integer> tokens, float score) {}

    private final BeamSearch search;
    private final Function<int[], float[]> model; // generated tokens → natural log-probabilities `[vocabulary]`
    private final int candidates;
    private final int[][] stream; // [width] generated tokens; null: the beam does not live

    private BeamRun(Function<int[], float[]> model, BeamParameters parameters, BitSet endTokens, int maxTokens) {
        search = new BeamSearch(parameters, endTokens, maxTokens);
        this.model = model;
        candidates = BeamSearch.candidates(parameters, endTokens);
        stream = new int[parameters.width()][];
        stream[0] = new int[0];
    }

    static List<Hypothesis> of(
            Function<int[], float[]> model, BeamParameters parameters, BitSet endTokens, int maxTokens) {
        return new BeamRun(model, parameters, endTokens, maxTokens).run();
    }

    private List<Hypothesis> run() {
        do {
            for (int rank = search.live() - 1; rank >= 0; rank--) {
                offer(search.beam(rank));
            }
            search.checkInvariants();
            search.advance();
            search.checkInvariants();
            follow();
        } while (search.live() > 0);
        return IntStream.range(0, search.hypotheses())
                .mapToObj(i ->
                        new Hypothesis(Arrays.stream(search.tokens(i)).boxed().toList(), search.score(i)))
                .toList();
    }

    private void offer(int beam) {
        float[] logprobs = model.apply(stream[beam]);
        List<Integer> order = new ArrayList<>(IntStream.range(0, logprobs.length)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer token) -> -logprobs[token])
                        .thenComparingInt(token -> token))
                .limit(candidates)
                .toList());
        order.reversed().forEach(token -> search.offer(beam, token, logprobs[token]));
    }

    /// Forks, then appends; a beam that had a child must still be there when the next is forked from it.
    private void follow() {
        Set<Integer> places = new HashSet<>();
        Set<Integer> continued = new HashSet<>();
        for (int rank = 0; rank < search.live(); rank++) {
            int beam = search.beam(rank);
            int parent = search.parent(rank);
            assertTrue(places.add(beam), "beam=" + beam);
            assertTrue(stream[parent] != null, "parent=" + parent);
            assertEquals(continued.add(parent), beam == parent, "the first child keeps the place: rank=" + rank);
            if (beam != parent) {
                stream[beam] = stream[parent];
            }
        }
        for (int rank = 0; rank < search.live(); rank++) {
            int beam = search.beam(rank);
            assertEquals(search.length() - 1, stream[beam].length);
            stream[beam] = Arrays.copyOf(stream[beam], search.length());
            stream[beam][search.length() - 1] = search.token(rank);
        }
        for (int beam = 0; beam < stream.length; beam++) {
            if (!places.contains(beam)) {
                stream[beam] = null;
            }
        }
    }
}
