package dev.quire.kernel.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.kernel.Batch;
import dev.quire.kernel.CacheType;
import dev.quire.kernel.Kernels;
import dev.quire.kernel.ReferenceKernels;
import dev.quire.sampling.ReferenceSampler;
import dev.quire.sampling.SamplingParameters;
import dev.quire.tensor.TensorType;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Native sampling against {@link ReferenceSampler}, over all parameters, on a model's logits.
class CpuSamplerParityTest {
    private static final int VOCABULARY = TinyModel.SHAPE.vocabulary();

    private final Random random = new Random(20);

    @ParameterizedTest
    @ValueSource(strings = {"scalar", "auto"})
    void sample_randomParameters_agreesWithReferenceSampler(String isa) {
        int different = 0;
        int compared = 0;
        try (Kernels kernels = CpuKernels.open(TinyModel.SHAPE, TinyModel.LIMITS, 2, isa)) {
            new TinyModel(TensorType.Q8_0, 21).load(kernels);
            Batch batch = new Batch(TinyModel.LIMITS);
            float[] logits = new float[VOCABULARY];
            for (int round = 0; round < 60; round++) {
                int[] tokens = TinyModel.tokens(round, 16);
                TinyModel.fill(batch, new TinyModel.Part(tokens, 0, 16, TinyModel.blocks(0, 1)));
                batch.rows = 16;
                SamplingParameters[] parameters = new SamplingParameters[16];
                for (int row = 0; row < 16; row++) {
                    batch.greedyRow(row, row);
                    parameters[row] = randomRow(batch, row);
                }
                TinyModel.step(kernels, batch);
                for (int row = 0; row < 16; row++) {
                    kernels.readLogits(row, logits);
                    int expected = ReferenceSampler.sample(
                            logits, parameters[row], history(batch, row), batch.promptLength.get(row), row);
                    compared++;
                    different += expected == batch.outToken.get(row) ? 0 : 1;
                }
            }
        }
        // float32 weights err by 1e-7: a draw that close to a bound between tokens is one in a million.
        assertEquals(0, different, "compared=" + compared);
    }

    private SamplingParameters randomRow(Batch batch, int row) {
        Map<Integer, Float> bias = new HashMap<>();
        batch.biasStart.put(row, row * 4);
        int biases = random.nextInt(5);
        while (bias.size() < biases) {
            bias.put(random.nextInt(VOCABULARY), random.nextFloat() * 6 - 3);
        }
        bias.forEach((token, value) -> {
            int at = row * 4 + batch.biasLength.get(row);
            batch.biasToken.put(at, token);
            batch.biasValue.put(at, value);
            batch.biasLength.put(row, batch.biasLength.get(row) + 1);
        });
        SamplingParameters parameters = new SamplingParameters(
                random.nextInt(4) == 0 ? 0 : 0.1f + random.nextFloat(),
                random.nextBoolean() ? 1 : 0.05f + 0.9f * random.nextFloat(),
                random.nextBoolean() ? 0 : 1 + random.nextInt(50),
                random.nextInt(3) == 0 ? random.nextFloat() * 0.3f : 0,
                random.nextBoolean() ? 0 : random.nextFloat(),
                random.nextBoolean() ? 0 : random.nextFloat() - 0.5f,
                random.nextBoolean() ? 1 : 0.7f + random.nextFloat(),
                bias,
                random.nextLong());
        batch.temperature.put(row, parameters.temperature());
        batch.topP.put(row, parameters.topP());
        batch.topK.put(row, parameters.topK());
        batch.minP.put(row, parameters.minP());
        batch.presencePenalty.put(row, parameters.presencePenalty());
        batch.frequencyPenalty.put(row, parameters.frequencyPenalty());
        batch.repetitionPenalty.put(row, parameters.repetitionPenalty());
        batch.seed.put(row, parameters.seed());
        batch.counter.put(row, row);
        if (parameters.penalised()) {
            batch.historyStart.put(row, row * 16);
            batch.historyLength.put(row, 16);
            batch.promptLength.put(row, random.nextInt(17));
            for (int i = 0; i < 16; i++) {
                batch.history.put(row * 16 + i, random.nextInt(VOCABULARY));
            }
        }
        return parameters;
    }

    private static int[] history(Batch batch, int row) {
        int[] history = new int[batch.historyLength.get(row)];
        batch.history.get(batch.historyStart.get(row), history);
        return history;
    }

    @Test
    void sample_logprobsAndScoredTokens_agreeWithReference() {
        TinyModel model = new TinyModel(TensorType.F32, 22);
        // The type of cache that rounds least.
        try (Kernels kernels = CpuKernels.open(TinyModel.SHAPE, TinyModel.LIMITS, 2, "auto", CacheType.F16);
                Kernels reference = new ReferenceKernels(TinyModel.SHAPE, TinyModel.LIMITS)) {
            Batch actual = logprobs(model, kernels);
            Batch expected = logprobs(model, reference);
            for (int row = 0; row < 2; row++) {
                assertEquals(expected.outLogprob.get(row), actual.outLogprob.get(row), 0.01f);
            }
            for (int i = 0; i < Batch.TOP_LOGPROBS; i++) {
                assertEquals(expected.topLogprob.get(i), actual.topLogprob.get(i), 0.01f);
                assertTrue(actual.topToken.get(i) >= 0 && actual.topToken.get(i) < VOCABULARY);
            }
        }
    }

    private static Batch logprobs(TinyModel model, Kernels kernels) {
        model.load(kernels);
        Batch batch = new Batch(TinyModel.LIMITS);
        TinyModel.fill(batch, new TinyModel.Part(TinyModel.tokens(23, 16), 0, 16, TinyModel.blocks(0, 1)));
        batch.rows = 2;
        batch.greedyRow(0, 15);
        batch.logprobs.put(0, Batch.TOP_LOGPROBS);
        batch.greedyRow(1, 3);
        batch.logprobs.put(1, 0);
        batch.scoredToken.put(1, 17);
        TinyModel.step(kernels, batch);
        return batch;
    }
}
