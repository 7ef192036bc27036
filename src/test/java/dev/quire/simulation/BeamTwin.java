package dev.quire.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.fail;

import dev.quire.sampling.BeamParameters;
import dev.quire.sampling.BeamRun;
import dev.quire.sampling.BeamSearch;
import dev.quire.sampling.NaiveBeamSearch;
import dev.quire.scheduler.BeamGroup;
import dev.quire.scheduler.Sequence;
import dev.quire.scheduler.TokenBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/// What one beam search must come to: all its beams after each step, and what it finds, by sorting every continuation
/// (`NaiveBeamSearch`), alone and with endless memory. The simulated sequences of its places get their twins from it.
final class BeamTwin {
    private final Workload.Request request;
    private final int vocabulary;
    private final BitSet endTokens;
    private final List<SimulatedSequence> places = new ArrayList<>();
    private final List<List<List<Integer>>> live = new ArrayList<>(); // after each step, the best first
    private final List<BeamRun.Hypothesis> found;
    private boolean held; // blocks after the last step
    private int moves; // beams that continued another one

    BeamTwin(Workload.Request request, int vocabulary, BitSet endTokens) {
        this.request = request;
        this.vocabulary = vocabulary;
        this.endTokens = endTokens;
        live.add(List.of(List.of()));
        found = NaiveBeamSearch.search(
                generated -> {
                    var twin = new Twin(request, IntStream.of(generated).boxed().toList());
                    return Twin.logprobs(request.seed(), twin.content[twin.content.length - 1], vocabulary);
                },
                parameters(),
                endTokens,
                request.maxTokens(),
                live::add);
    }

    private BeamParameters parameters() {
        return request.beams().orElseThrow();
    }

    void add(SimulatedSequence place) {
        places.add(place);
    }

    List<SimulatedSequence> places() {
        return places;
    }

    /// Beams that went on from another one, so far.
    int moves() {
        return moves;
    }

    /// Whether it gave up its blocks on the way.
    boolean interrupted() {
        return places.stream().anyMatch(place -> place.interrupted);
    }

    /// Whether something ended it so.
    boolean disturbed(TokenBuffer.Ending ending) {
        SimulatedSequence leader = places.getFirst();
        return !leader.complete() && leader.expectedEnding() == ending;
    }

    /// Whether it held blocks after the last step.
    boolean held() {
        return held;
    }

    /// Notes whether it holds blocks at the end of a step.
    void remember() {
        held = places.stream().anyMatch(place -> place.sequence.table().blocks() > 0);
    }

    /// What may follow `place`, of which the last content was read, as the kernels say it: the likeliest first.
    void offer(SimulatedSequence place, long last) {
        BeamGroup group = place.sequence.beams().orElseThrow();
        float[] logprobs = Twin.logprobs(request.seed(), last, vocabulary);
        int candidates = Math.min(BeamSearch.candidates(parameters(), endTokens), vocabulary);
        assertEquals(candidates, place.sequence.alternatives());
        IntStream.range(0, vocabulary)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer token) -> -logprobs[token])
                        .thenComparingInt(token -> token))
                .limit(candidates)
                .forEach(token -> group.offer(place.sequence, token, logprobs[token]));
    }

    /// After a step of the search: each live beam has the tokens of its rank.
    void follow() {
        BeamSearch search = places.getFirst().sequence.beams().orElseThrow().search();
        List<List<Integer>> beams = live.get(search.length());
        assertEquals(beams.size(), search.live(), "live beams");
        for (int rank = 0; rank < beams.size(); rank++) {
            SimulatedSequence place = places.get(search.beam(rank));
            place.twin = new Twin(request, beams.get(rank));
            moves += search.beam(rank) == search.parent(rank) ? 0 : 1;
            for (int at = 0; at < place.twin.token.length; at++) {
                if (place.sequence.token(at) != place.twin.token[at]) {
                    fail("beam must have its twin's tokens: rank=" + rank + ", position=" + at + ", token="
                            + place.sequence.token(at) + ", " + place);
                }
            }
            assertEquals(place.twin.token.length, place.sequence.length(), place::toString);
        }
    }

    /// Tokens that all live beams have, of which one is computed in any case.
    int shareable() {
        BeamSearch search = places.getFirst().sequence.beams().orElseThrow().search();
        List<List<Integer>> beams = live.get(search.length());
        int common = 0;
        while (common < search.length() && same(beams, common)) {
            common++;
        }
        return request.prompt().length + common - (beams.size() > 1 ? 1 : 0);
    }

    private static boolean same(List<List<Integer>> beams, int at) {
        return beams.stream().map(tokens -> tokens.get(at)).distinct().count() == 1;
    }

    /// Who was not disturbed has found what its twin has, and computed no token twice.
    void checkEnd(boolean paged) {
        SimulatedSequence leader = places.getFirst();
        boolean enough = found.size() >= request.choices();
        for (int i = 0; i < request.choices(); i++) {
            TokenBuffer output = places.get(i).sequence.output();
            assertEquals(Sequence.State.ENDED, places.get(i).sequence.state(), places.get(i)::toString);
            if (!leader.complete() || !enough) {
                assertEquals(
                        leader.complete() ? TokenBuffer.Ending.FAILED : leader.expectedEnding(),
                        output.ending(),
                        leader::toString);
                assertEquals(0, output.count(), leader::toString);
                continue;
            }
            List<Integer> tokens =
                    IntStream.range(0, output.count()).mapToObj(output::token).toList();
            float score = (float) places.get(i).sequence.score().orElseThrow();
            assertEquals(found.get(i), new BeamRun.Hypothesis(tokens, score), leader::toString);
            boolean ended = endTokens.get(tokens.getLast());
            assertEquals(ended ? TokenBuffer.Ending.STOP : TokenBuffer.Ending.LENGTH, output.ending());
        }
        if (leader.complete() && !interrupted() && paged) {
            int decoded = live.stream().skip(1).mapToInt(List::size).sum();
            int computed =
                    places.stream().mapToInt(place -> place.computedTokens).sum();
            int prompt = request.prompt().length - leader.sequence.cachedTokens();
            assertEquals(prompt + decoded, computed, () -> "tokens computed: " + leader);
        }
    }
}
