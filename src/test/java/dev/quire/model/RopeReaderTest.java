package dev.quire.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.quire.format.ModelFileException;
import dev.quire.kernel.Rope;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The draft's rope has two pairs with frequencies 1 and 0.1; its tensors hold 0.5. Golden tests have the real numbers.
class RopeReaderTest {
    private static final float[] PLAIN = {1, 0.1f};

    @TempDir
    Path folder;

    private static ModelDraft llama() {
        return new ModelDraft("llama");
    }

    private static ModelDraft longRope() {
        return new ModelDraft("phi3")
                .set("rope.scaling.type", "longrope")
                .set("rope.scaling.original_context_length", 16L)
                .tensor("rope_factors_long.weight", 1, 2)
                .tensor("rope_factors_short.weight", 1, 2);
    }

    private void check(ModelDraft draft, int contextLength, float[] frequencies, double magnitude) {
        Rope rope = draft.shape(folder, contextLength).ropes().getFirst();
        assertArrayEquals(frequencies, rope.inverseFrequencies(), 1e-6f);
        assertEquals(magnitude, rope.magnitude(), 1e-6);
    }

    private void refused(ModelDraft draft, String message) {
        var refusal = assertThrows(ModelFileException.class, () -> draft.shape(folder));
        assertEquals(message + ", file=" + folder.resolve("draft.gguf"), refusal.getMessage());
    }

    @Test
    void linear_dividesTheFrequencies() {
        float[] quarter = {0.25f, 0.025f};
        check(llama().set("rope.scaling.type", "linear").set("rope.scaling.factor", 4f), 64, quarter, 1);
        // Without a type a factor is linear, as llama.cpp has it, and so is one under its older name.
        check(llama().set("rope.scaling.factor", 4f), 64, quarter, 1);
        check(llama().set("rope.scale_linear", 4f), 64, quarter, 1);
        check(llama().set("rope.scaling.type", "linear").set("rope.scaling.factor", 0f), 64, PLAIN, 1);
        check(llama().set("rope.scaling.type", "none").set("rope.scaling.factor", 4f), 64, PLAIN, 1);
    }

    @Test
    void yarn_keepsFastPairsAndStretchesSlowOnes() {
        ModelDraft draft = llama().set("rope.scaling.type", "yarn")
                .set("rope.scaling.factor", 4f)
                .set("rope.scaling.original_context_length", 64L);
        // low = floor(4 ln(64 / 64 pi) / 2 ln 100) = -1 -> 0, high = ceil(4 ln(64 / 2 pi) / 2 ln 100) = 2
        check(draft, 64, new float[] {1, 0.1f * 0.5f + 0.025f * 0.5f}, 0.1 * Math.log(4) + 1);
        check(draft.set("rope.scaling.yarn_attn_factor", 1.5f), 64, new float[] {1, 0.0625f}, 1.5);
        check(draft.set("rope.scaling.yarn_beta_slow", 32f), 64, new float[] {1, 0.025f}, 1.5);
    }

    @Test
    void frequencyFactors_divideTheFrequencies() {
        check(llama().tensor("rope_freqs.weight", 1, 2), 64, new float[] {2, 0.2f}, 1);
        refused(
                llama().tensor("rope_freqs.weight", 1, 3),
                "tensor has an unexpected shape: tensor=rope_freqs.weight, expected=[1, 2], found=[1, 3]");
    }

    @Test
    void longRope_factorsAreChosenByTheContextLengthOfTheProcess() {
        double magnitude = Math.sqrt(1 + Math.log(4) / Math.log(16));
        check(longRope(), 16, new float[] {2, 0.2f}, magnitude);
        check(longRope(), 17, new float[] {2, 0.2f}, magnitude);
        refused(
                longRope().tensor("rope_factors_long.weight", 1, 3),
                "tensor has an unexpected shape: tensor=rope_factors_long.weight, expected=[1, 2], found=[1, 3]");
        // Only one of the two is read.
        check(longRope().tensor("rope_factors_long.weight", 1, 3), 16, new float[] {2, 0.2f}, magnitude);
    }

    @Test
    void longRope_withoutType_isToldByItsTensors() {
        check(
                longRope().without("rope.scaling.type").set("rope.scaling.attn_factor", 1.25f),
                64,
                new float[] {2, 0.2f},
                1.25);
        refused(
                longRope().set("rope.scaling.type", "linear"),
                "metadata value is not usable: key=phi3.rope.scaling.type, expected=longrope, for there is "
                        + "rope_factors_long.weight, found=linear");
        refused(
                longRope().withoutTensor("rope_factors_short.weight"),
                "tensor is missing: tensor=rope_factors_short.weight");
        refused(
                longRope().tensor("rope_freqs.weight", 1, 2),
                "frequencies must be divided by one tensor: tensor=rope_freqs.weight, "
                        + "tensor=rope_factors_long.weight");
    }

    @Test
    void unknownScaling_isRefused() {
        refused(
                llama().set("rope.scaling.type", "dynamic"),
                "metadata value is not usable: key=llama.rope.scaling.type, expected=none, linear, yarn or longrope, "
                        + "found=dynamic");
        refused(
                llama().set("rope.scaling.factor", -2f),
                "metadata value is not usable: key=llama.rope.scaling.factor, expected=a positive number, found=-2.0");
    }

    @Test
    void windowedLayers_withARopeOfTheirOwn_areNotScaled() {
        Rope local = new ModelDraft("gemma3")
                .set("rope.scaling.type", "linear")
                .set("rope.scaling.factor", 8f)
                .set("rope.freq_base_swa", 100f)
                .shape(folder)
                .ropes()
                .get(1);
        assertArrayEquals(PLAIN, local.inverseFrequencies(), 1e-6f);
    }
}
