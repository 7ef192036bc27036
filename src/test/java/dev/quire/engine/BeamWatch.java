package dev.quire.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.engine.TurnedEngine.Draw;
import dev.quire.sampling.BeamParameters;
import dev.quire.sampling.SamplingParameters;
import dev.quire.scheduler.BeamGroup;
import dev.quire.scheduler.Sequence;
import dev.quire.scheduler.TokenBuffer;
import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;

/// A search in company: after each step the logits of its beams must be those that a request for just their tokens
/// gets alone, and in the end it must have found what it finds alone, with the same scores.
final class BeamWatch {
    private static final int[] NOTHING = {};

    /// An answer.
    record Found(List<Integer> tokens, float score) {}

    private final PromiseRig rig;
    private final TurnedEngine engine;
    private final Sequence.Spec spec;
    private final BeamParameters parameters;
    private final BeamGroup group;
    private final int[][] tokens; // [width] of the beams that live, before the turn
    private final int[] drawn; // [width] tokens drawn for each beam by then
    private int seen; // logits of beams

    BeamWatch(PromiseRig rig, TurnedEngine engine, Sequence.Spec spec, BeamParameters parameters, BeamGroup group) {
        this.rig = rig;
        this.engine = engine;
        this.spec = spec;
        this.parameters = parameters;
        this.group = group;
        tokens = new int[parameters.width()][];
        drawn = new int[parameters.width()];
    }

    /// A turn is to begin.
    void before() {
        for (int i = 0; i < tokens.length; i++) {
            tokens[i] = NOTHING;
            drawn[i] = draws(i).size();
        }
        for (int rank = 0; rank < group.search().live(); rank++) {
            int at = group.search().beam(rank);
            Sequence beam = group.beam(at);
            tokens[at] = IntStream.range(0, beam.length()).map(beam::token).toArray();
        }
    }

    /// The turn is over.
    void after() {
        for (int i = 0; i < tokens.length; i++) {
            List<Draw> draws = draws(i);
            for (Draw draw : draws.subList(drawn[i], draws.size())) {
                String who = "seed=" + spec.sampling().seed() + ", beam=" + i;
                assertEquals(tokens[i].length, draw.position(), who);
                PromiseStory.assertSame(rig.alone(next(tokens[i])).getFirst(), draw, who);
                seen++;
            }
        }
    }

    private List<Draw> draws(int beam) {
        return engine.draws(spec.sampling().seed() + beam);
    }

    private static Sequence.Spec next(int[] tokens) {
        return new Sequence.Spec(
                0, 0, tokens, 1, SamplingParameters.greedy(), new BitSet(), TokenBuffer.NO_LOGPROBS, false, "");
    }

    /// Everything is answered.
    void end() {
        assertEquals(rig.alone(spec, parameters), found(group));
        assertTrue(seen >= spec.maxTokens() + parameters.width() - 1, "seen=" + seen); // two beams at least, for some
    }

    static List<Found> found(BeamGroup group) {
        return group.answers().stream()
                .map(answer -> new Found(
                        IntStream.of(PromiseStory.answer(answer)).boxed().toList(),
                        (float) answer.score().orElseThrow()))
                .toList();
    }
}
