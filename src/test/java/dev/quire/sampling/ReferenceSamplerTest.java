package dev.quire.sampling;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class ReferenceSamplerTest {
    private static final float[] LOGITS = {1, 3, 2, 3, -1};
    private static final int[] NOTHING = {};

    private static SamplingParameters warm(float topP, int topK, float minP) {
        return new SamplingParameters(1, topP, topK, minP, 0, 0, 1, Map.of(), 7);
    }

    /// The tokens that 2,000 draws give.
    private static TreeSet<Integer> drawn(float[] logits, SamplingParameters parameters) {
        var tokens = new TreeSet<Integer>();
        for (int counter = 0; counter < 2_000; counter++) {
            tokens.add(ReferenceSampler.sample(logits, parameters, NOTHING, 0, counter));
        }
        return tokens;
    }

    @Test
    void greedy_takesTheLargest_tiesToTheLowestId() {
        assertEquals(1, ReferenceSampler.sample(LOGITS, SamplingParameters.greedy(), NOTHING, 0, 0));
    }

    @Test
    void zerosOfBothSigns_tieToTheLowestId() {
        assertEquals(0, ReferenceSampler.sample(new float[] {-0f, 0f}, SamplingParameters.greedy(), NOTHING, 0, 0));
    }

    @Test
    void notANumber_isNeverChosen() {
        float[] logits = {Float.NaN, Float.NEGATIVE_INFINITY, -5, Float.NaN};
        assertEquals(2, ReferenceSampler.sample(logits, SamplingParameters.greedy(), NOTHING, 0, 0));
        assertEquals(new TreeSet<>(java.util.List.of(2)), drawn(logits, warm(1, 0, 0)));
        float[] none = {Float.NaN, Float.NaN};
        assertEquals(
                ReferenceSampler.NO_TOKEN, ReferenceSampler.sample(none, SamplingParameters.greedy(), NOTHING, 0, 0));
    }

    @Test
    void bias_isAddedBeforeAnythingElse() {
        var parameters = new SamplingParameters(0, 1, 0, 0, 0, 0, 1, Map.of(4, 4.5f), 0);
        assertEquals(4, ReferenceSampler.sample(LOGITS, parameters, NOTHING, 0, 0));
    }

    @Test
    void repetitionPenalty_dividesPositiveAndMultipliesNegative_promptIncluded() {
        var parameters = new SamplingParameters(0, 1, 0, 0, 0, 0, 2, Map.of(), 0);
        assertEquals(2, ReferenceSampler.sample(LOGITS, parameters, new int[] {1, 3}, 2, 2));
        float[] negative = {-1, -1.5f};
        assertEquals(1, ReferenceSampler.sample(negative, parameters, new int[] {0}, 1, 1));
    }

    @Test
    void presenceAndFrequency_countGeneratedTokensOnly() {
        var presence = new SamplingParameters(0, 1, 0, 0, 1.5f, 0, 1, Map.of(), 0);
        assertEquals(1, ReferenceSampler.sample(LOGITS, presence, new int[] {1, 3}, 2, 2));
        assertEquals(2, ReferenceSampler.sample(LOGITS, presence, new int[] {1, 3}, 0, 2));
        var frequency = new SamplingParameters(0, 1, 0, 0, 0, 0.75f, 1, Map.of(), 0);
        assertEquals(3, ReferenceSampler.sample(LOGITS, frequency, new int[] {1, 1}, 0, 2));
        assertEquals(2, ReferenceSampler.sample(LOGITS, frequency, new int[] {1, 1, 3, 3}, 0, 4));
    }

    @Test
    void topK_keepsTheLargest_tiesToTheLowestId() {
        assertEquals(new TreeSet<>(java.util.List.of(1)), drawn(LOGITS, warm(1, 1, 0)));
        assertEquals(new TreeSet<>(java.util.List.of(1, 3)), drawn(LOGITS, warm(1, 2, 0)));
    }

    @Test
    void topP_keepsTheTokenThatCrossesTheBound() {
        // Weights relative to the largest: 1, 1, 0.37, 0.14, 0.02; total 2.52.
        assertEquals(new TreeSet<>(java.util.List.of(1)), drawn(LOGITS, warm(0.39f, 0, 0)));
        assertEquals(new TreeSet<>(java.util.List.of(1, 3)), drawn(LOGITS, warm(0.41f, 0, 0)));
        assertEquals(new TreeSet<>(java.util.List.of(1, 2, 3)), drawn(LOGITS, warm(0.9f, 0, 0)));
    }

    @Test
    void minP_keepsWhatIsLikelyEnoughBesideTheLargest() {
        assertEquals(new TreeSet<>(java.util.List.of(1, 3)), drawn(LOGITS, warm(1, 0, 0.5f)));
        assertEquals(new TreeSet<>(java.util.List.of(1, 2, 3)), drawn(LOGITS, warm(1, 0, 0.3f)));
    }

    @Test
    void draws_followTheDistribution() {
        float[] logits = {(float) Math.log(0.5), (float) Math.log(0.3), (float) Math.log(0.2)};
        int[] counts = new int[3];
        for (int counter = 0; counter < 10_000; counter++) {
            counts[ReferenceSampler.sample(logits, warm(1, 0, 0), NOTHING, 0, counter)]++;
        }
        // Standard deviation of each at most 50: six of them.
        assertTrue(Math.abs(counts[0] - 5000) < 300, "count=" + counts[0]);
        assertTrue(Math.abs(counts[1] - 3000) < 300, "count=" + counts[1]);
    }

    @Test
    void sample_doesNotChangeTheLogits() {
        float[] logits = LOGITS.clone();
        var parameters = new SamplingParameters(1, 0.9f, 3, 0.1f, 1, 1, 2, Map.of(0, 5f), 0);
        ReferenceSampler.sample(logits, parameters, new int[] {0, 1}, 1, 2);
        org.junit.jupiter.api.Assertions.assertArrayEquals(LOGITS, logits);
    }
}
