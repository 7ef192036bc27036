package dev.quire.sampling;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.sampling.BeamParameters.EarlyStopping;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class BeamSearchTest {
    private static final int END = 9;

    private static BeamSearch search(int width, float lengthPenalty, EarlyStopping earlyStopping, int maxTokens) {
        return new BeamSearch(new BeamParameters(width, lengthPenalty, earlyStopping), ends(END), maxTokens);
    }

    private static BitSet ends(int... tokens) {
        var ends = new BitSet();
        Arrays.stream(tokens).forEach(ends::set);
        return ends;
    }

    /// Live beams in order of rank, each with its parent and token: `beam<parent:token`.
    private static String places(BeamSearch search) {
        search.checkInvariants();
        return String.join(
                " ",
                IntStream.range(0, search.live())
                        .mapToObj(rank -> search.beam(rank) + "<" + search.parent(rank) + ":" + search.token(rank))
                        .toList());
    }

    @Test
    void newSearch_hasOneBeam() {
        BeamSearch search = search(3, 1, EarlyStopping.HEURISTIC, 8);
        assertEquals(1, search.live());
        assertEquals(0, search.beam(0));
        assertEquals(0, search.length());
        assertEquals(0, search.hypotheses());
        search.checkInvariants();
    }

    @Test
    void advance_firstStep_bestKeepsThePlace_othersTakeFreeOnes() {
        BeamSearch search = search(3, 1, EarlyStopping.HEURISTIC, 8);
        search.offer(0, 4, -3);
        search.offer(0, 2, -1);
        search.offer(0, 7, -2);
        search.offer(0, 3, -5);
        assertTrue(search.advance());
        assertEquals("0<0:2 1<0:7 2<0:4", places(search));
    }

    @Test
    void advance_parentOfTwo_keepsItsPlaceForTheBetter_theOtherTakesTheDeadOnes() {
        BeamSearch search = search(3, 1, EarlyStopping.HEURISTIC, 8);
        search.offer(0, 1, -1);
        search.offer(0, 2, -1.5f);
        search.offer(0, 3, -2);
        search.advance();
        search.offer(2, 4, -0.25f); // -2.25
        search.offer(2, 5, -0.5f); // -2.5
        search.offer(1, 6, -2.5f); // -4: lives
        search.offer(0, 7, -9);
        assertTrue(search.advance());
        assertEquals("2<2:4 0<2:5 1<1:6", places(search));
    }

    @Test
    void advance_endAmongTheBest_becomesAHypothesis_andNextBestLivesOn() {
        BeamSearch search = search(2, 1, EarlyStopping.HEURISTIC, 8);
        search.offer(0, 1, -1);
        search.offer(0, END, -2);
        search.offer(0, 3, -3);
        assertTrue(search.advance());
        assertEquals("0<0:1 1<0:3", places(search));
        assertEquals(1, search.hypotheses());
        assertArrayEquals(new int[] {END}, search.tokens(0));
        assertTrue(search.ended(0));
        assertEquals(-2, search.score(0));
    }

    @Test
    void advance_endBeyondTheBest_isLost() {
        BeamSearch search = search(2, 1, EarlyStopping.HEURISTIC, 8);
        search.offer(0, 1, -1);
        search.offer(0, 3, -2);
        search.offer(0, END, -3);
        assertTrue(search.advance());
        assertEquals("0<0:1 1<0:3", places(search));
        assertEquals(0, search.hypotheses());
    }

    @Test
    void advance_mostTokens_makesTheBestHypotheses_andIsOver() {
        BeamSearch search = search(2, 2, EarlyStopping.NEVER, 2);
        search.offer(0, 1, -1);
        search.offer(0, 2, -2);
        assertTrue(search.advance());
        search.offer(0, 4, -3);
        search.offer(0, END, -1);
        search.offer(1, 5, -4);
        assertFalse(search.advance());
        assertEquals(0, search.live());
        assertEquals(2, search.hypotheses());
        assertArrayEquals(new int[] {1, END}, search.tokens(0));
        assertArrayEquals(new int[] {1, 4}, search.tokens(1));
        assertEquals(-2f / 4, search.score(0));
        assertEquals(-4f / 4, search.score(1));
        assertTrue(search.ended(0));
        assertFalse(search.ended(1));
        search.checkInvariants();
    }

    /// Two beams; hypotheses of -1 and -1.25 after the second step; the best live beam has -1.5 then, in two
    /// tokens, and may grow to four.
    private static BeamSearch filled(float lengthPenalty, EarlyStopping earlyStopping) {
        BeamSearch search = search(2, lengthPenalty, earlyStopping, 4);
        search.offer(0, 1, -0.5f);
        search.offer(0, 2, -0.75f);
        search.advance();
        search.offer(0, END, -0.5f);
        search.offer(1, END, -0.5f);
        search.offer(0, 3, -1);
        search.offer(1, 3, -2);
        search.advance();
        assertEquals(2, search.hypotheses());
        return search;
    }

    @Test
    void advance_full_isOverAsEarlyStoppingSays() {
        assertEquals(0, filled(1, EarlyStopping.WHEN_FULL).live());
        assertEquals(0, filled(1, EarlyStopping.HEURISTIC).live(), "-1.5 / 2 is not above -1.25 / 2");
        assertEquals(2, filled(1, EarlyStopping.NEVER).live(), "-1.5 / 4 is above it");
        assertEquals(0, filled(0, EarlyStopping.NEVER).live(), "without a penalty a sum only falls");
        assertEquals(0, filled(-1, EarlyStopping.NEVER).live(), "and with a negative one, too");
    }

    @Test
    void advance_full_negativePenalty_countsThePresentLength() {
        BeamSearch search = search(2, -1, EarlyStopping.NEVER, 8);
        search.offer(0, 1, -1);
        search.offer(0, END, -4);
        search.offer(0, 2, -9);
        search.advance();
        search.offer(0, 3, -1);
        search.offer(0, END, -5);
        search.offer(0, 4, -7);
        assertTrue(search.advance(), "-2 · 2 is above -6 · 2, though -2 · 8 is not");
        assertEquals(2, search.hypotheses());
    }

    @Test
    void advance_full_betterHypothesisTakesThePlaceOfTheWorst() {
        BeamSearch search = filled(2, EarlyStopping.NEVER);
        search.offer(search.beam(0), END, -0.25f); // -1.75 / 9 = -0.19; the others are -0.25 and -0.3125
        search.offer(search.beam(1), END, -0.25f); // -3 / 9 = -0.33
        search.offer(search.beam(0), 5, -3);
        search.offer(search.beam(1), 5, -3);
        search.advance();
        assertEquals(2, search.hypotheses());
        assertArrayEquals(new int[] {1, 3, END}, search.tokens(0));
        assertArrayEquals(new int[] {1, END}, search.tokens(1));
        assertEquals(-1.75f / 9, search.score(0));
    }

    @Test
    void advance_notFull_goesOn_howeverGoodTheHypothesis() {
        BeamSearch search = search(2, 1, EarlyStopping.WHEN_FULL, 8);
        search.offer(0, END, -0.1f);
        search.offer(0, 1, -20);
        search.offer(0, 2, -21);
        assertTrue(search.advance());
        assertEquals(1, search.hypotheses());
    }

    @Test
    void oneBeam_isGreedy_andEndsAtTheFirstEnd() {
        BeamSearch search = search(1, 5, EarlyStopping.NEVER, 100);
        search.offer(0, 1, -1);
        search.offer(0, END, -2);
        assertTrue(search.advance());
        search.offer(0, 2, -2);
        search.offer(0, END, -1);
        assertFalse(search.advance());
        assertArrayEquals(new int[] {1, END}, search.tokens(0));
    }

    @Test
    void ties_goToTheHigherRank_thenToTheLowerToken() {
        BeamSearch search = search(2, 1, EarlyStopping.HEURISTIC, 8);
        search.offer(0, 5, -1);
        search.offer(0, 8, -1);
        search.offer(0, 2, -1);
        search.advance();
        assertEquals("0<0:2 1<0:5", places(search));
        search.offer(1, 3, -1);
        search.offer(0, 7, -1);
        search.offer(1, 4, -0.5f);
        search.advance();
        assertEquals("1<1:4 0<0:7", places(search));
        search.offer(0, 3, -0.5f); // rank 1
        search.offer(1, 6, -1); // rank 0, the same sum
        search.offer(1, 5, -0.75f);
        search.advance();
        assertEquals("1<1:5 0<1:6", places(search));
    }

    @Test
    void tokensThatCannotCome_arePassedOver_andFewerBeamsLive() {
        BeamSearch search = search(3, 1, EarlyStopping.HEURISTIC, 8);
        search.offer(0, 1, -1);
        search.offer(0, 2, Float.NEGATIVE_INFINITY);
        search.offer(0, 3, -2);
        assertTrue(search.advance());
        assertEquals("0<0:1 1<0:3", places(search));
        search.offer(0, END, -1);
        search.offer(1, END, -1);
        assertFalse(search.advance(), "no beam is left");
        assertEquals(2, search.hypotheses());
    }

    @Test
    void refusals_sayWhatMustHold_andChangeNothing() {
        BeamSearch search = search(2, 1, EarlyStopping.HEURISTIC, 1);
        assertEquals(
                "beam must live: beam=1, width=2",
                assertThrows(IllegalArgumentException.class, () -> search.offer(1, 0, -1))
                        .getMessage());
        assertEquals(
                "beam must live: beam=-1, width=2",
                assertThrows(IllegalArgumentException.class, () -> search.offer(-1, 0, -1))
                        .getMessage());
        assertEquals(
                "log-probability must be a number: beam=0, token=3, logprob=NaN",
                assertThrows(IllegalArgumentException.class, () -> search.offer(0, 3, Float.NaN))
                        .getMessage());
        assertEquals(
                "a step must be offered at least one token: live=1, length=0",
                assertThrows(IllegalStateException.class, search::advance).getMessage());
        assertEquals(
                "token must have been generated: length=0",
                assertThrows(IllegalStateException.class, () -> search.token(0)).getMessage());
        assertEquals(
                "rank must be that of a live beam: rank=1, live=1",
                assertThrows(IllegalArgumentException.class, () -> search.beam(1))
                        .getMessage());
        assertEquals(
                "index must be below hypotheses: index=0, hypotheses=0",
                assertThrows(IllegalArgumentException.class, () -> search.tokens(0))
                        .getMessage());
        search.offer(0, 3, -1);
        assertFalse(search.advance());
        assertEquals(1, search.hypotheses());
        assertThrows(IllegalArgumentException.class, () -> search.offer(0, 3, -1), "it is over");
        assertThrows(IllegalStateException.class, search::advance, "it is over");
    }

    @Test
    void parameters_refusals() {
        assertEquals(
                "beam_width must be between 1 and 16: beam_width=0",
                assertThrows(IllegalArgumentException.class, () -> new BeamParameters(0, 1, EarlyStopping.HEURISTIC))
                        .getMessage());
        assertThrows(IllegalArgumentException.class, () -> new BeamParameters(17, 1, EarlyStopping.HEURISTIC));
        assertEquals(
                "length_penalty must be finite: length_penalty=NaN",
                assertThrows(
                                IllegalArgumentException.class,
                                () -> new BeamParameters(2, Float.NaN, EarlyStopping.HEURISTIC))
                        .getMessage());
        assertEquals(
                "maxTokens must be positive: maxTokens=0",
                assertThrows(IllegalArgumentException.class, () -> search(2, 1, EarlyStopping.HEURISTIC, 0))
                        .getMessage());
    }

    @Test
    void candidates_areWidthAndEndTokens() {
        var parameters = new BeamParameters(4, 1, EarlyStopping.HEURISTIC);
        assertEquals(4, BeamSearch.candidates(parameters, ends()));
        assertEquals(7, BeamSearch.candidates(parameters, ends(1, 2, 9)));
    }

    @Test
    void advance_full_bestLiveAsGoodAsTheWorst_isOver() {
        BeamSearch search = search(2, 0, EarlyStopping.HEURISTIC, 8);
        search.offer(0, 1, -1);
        search.offer(0, END, -2);
        search.offer(0, 2, -4);
        search.advance();
        search.offer(0, END, -1.5f);
        search.offer(0, 3, -1.5f);
        search.offer(1, 3, -1);
        assertFalse(search.advance(), "hypotheses of -2 and -2.5, and a beam of -2.5");
    }

    @Test
    void randomSearches_findWhatSortingEverythingFinds() {
        int[] different = new int[EarlyStopping.values().length]; // from the one before, had it been used
        for (int run = 0; run < 400; run++) {
            var random = new SplittableRandom(run);
            int vocabulary = random.nextInt(3, 20);
            int width = random.nextInt(1, random.nextInt(2, 9));
            float lengthPenalty = List.of(0f, 1f, 2f, -1f, 0.5f).get(random.nextInt(5));
            BitSet endTokens = new BitSet();
            for (int i = random.nextInt(5); i > 0; i--) {
                endTokens.set(random.nextInt(vocabulary));
            }
            int maxTokens = random.nextInt(1, 10);
            Function<int[], float[]> model = model(run, vocabulary);
            List<BeamRun.Hypothesis> before = List.of();
            for (EarlyStopping earlyStopping : EarlyStopping.values()) {
                var parameters = new BeamParameters(width, lengthPenalty, earlyStopping);
                List<BeamRun.Hypothesis> expected = NaiveBeamSearch.search(model, parameters, endTokens, maxTokens);
                assertEquals(
                        expected, BeamRun.of(model, parameters, endTokens, maxTokens), "run=" + run + " " + parameters);
                different[earlyStopping.ordinal()] += expected.equals(before) ? 0 : 1;
                before = expected;
            }
        }
        assertTrue(different[1] >= 10 && different[2] >= 10, Arrays.toString(different));
    }

    /// Log-probabilities that depend on every token before: multiples of ¼, so that sums tie often and are exact.
    /// Some positions are much clearer than others, so that it may pay to go on; a few tokens cannot come.
    private static Function<int[], float[]> model(int seed, int vocabulary) {
        return tokens -> {
            var random = new SplittableRandom(31L * Arrays.hashCode(tokens) + seed);
            int clarity = random.nextInt(1, 24);
            float[] logprobs = new float[vocabulary];
            for (int token = 0; token < vocabulary; token++) {
                boolean possible = token == 0 || random.nextInt(12) > 0;
                logprobs[token] = possible ? -random.nextInt(0, clarity) / 4f : Float.NEGATIVE_INFINITY;
            }
            return logprobs;
        };
    }
}
