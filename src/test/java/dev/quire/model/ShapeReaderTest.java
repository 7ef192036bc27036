package dev.quire.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.format.ModelFileException;
import dev.quire.kernel.Activation;
import dev.quire.kernel.LayerShape;
import dev.quire.kernel.ModelShape;
import dev.quire.kernel.Norm;
import dev.quire.kernel.Rope;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class ShapeReaderTest {
    @TempDir
    Path folder;

    private static ModelDraft llama() {
        return new ModelDraft("llama");
    }

    private static List<Integer> windows(ModelShape shape) {
        return shape.layerShapes().stream().map(LayerShape::window).toList();
    }

    private void refused(ModelDraft draft, String message) {
        var refusal = assertThrows(ModelFileException.class, () -> draft.shape(folder));
        assertEquals(message + ", file=" + folder.resolve("draft.gguf"), refusal.getMessage());
    }

    @Test
    void of_unknownArchitecture_isRefusedWithThoseThatAreKnown() {
        refused(
                new ModelDraft("mamba"),
                "architecture must be one of llama, qwen2, qwen3, gemma3, phi3, gpt2: general.architecture=mamba");
    }

    @Test
    void shape_ofLlama_takesTheDefaultsOfWhatIsLeftOut() {
        ModelShape shape = llama().without("rope.freq_base")
                .without("attention.head_count_kv")
                .shape(folder);
        assertEquals(
                new ModelShape(
                        8,
                        6,
                        5,
                        2,
                        2,
                        4,
                        64,
                        Norm.RMS,
                        1e-5f,
                        Activation.GATED_SILU,
                        1,
                        0.5f,
                        List.of(Rope.of(Rope.Pairs.ADJACENT, 4, 10_000)),
                        List.of(new LayerShape(0, 0))),
                shape);
    }

    @Test
    void shape_ofGpt2_hasNoRopeAndALayerNorm() {
        ModelShape shape = new ModelDraft("gpt2")
                .set("attention.layer_norm_epsilon", 1e-3f)
                .shape(folder);
        assertEquals(Norm.LAYER, shape.norm());
        assertEquals(1e-3f, shape.normEpsilon());
        assertEquals(Activation.GELU, shape.activation());
        assertEquals(List.of(), shape.ropes());
        assertEquals(List.of(new LayerShape(0, LayerShape.NO_ROPE)), shape.layerShapes());
    }

    @Test
    void shape_ofGemma3_hasFiveLocalLayersThenAGlobalOne() {
        ModelShape shape = new ModelDraft("gemma3")
                .layers(7)
                .set("attention.sliding_window", 16L)
                .without("rope.freq_base")
                .shape(folder);
        assertEquals(List.of(16, 16, 16, 16, 16, 0, 16), windows(shape));
        assertEquals(
                List.of(1, 1, 1, 1, 1, 0, 1),
                shape.layerShapes().stream().map(LayerShape::rope).toList());
        assertEquals(
                List.of(Rope.of(Rope.Pairs.HALVES, 4, 1_000_000), Rope.of(Rope.Pairs.HALVES, 4, 10_000)),
                shape.ropes());
        assertEquals((float) Math.sqrt(8), shape.embeddingScale());
        assertEquals(0.5f, shape.attentionScale());
        assertEquals(Activation.GATED_GELU, shape.activation());
    }

    @Test
    void shape_ofGemma3With62Layers_scalesAttentionByTheEmbedding() {
        ModelDraft draft = new ModelDraft("gemma3").layers(62).set("attention.key_length", 16L);
        assertEquals(0.5f, draft.shape(folder).attentionScale());
        assertEquals(0.25f, draft.layers(61).shape(folder).attentionScale());
    }

    @Test
    void shape_scalesInTheFile_areTaken() {
        ModelShape shape = llama().set("attention.scale", 0.125f)
                .set("embedding_scale", 12f)
                .shape(folder);
        assertEquals(0.125f, shape.attentionScale());
        assertEquals(12, shape.embeddingScale());
        shape = llama().set("attention.scale", 0f).set("embedding_scale", 0f).shape(folder);
        assertEquals(0.5f, shape.attentionScale());
        assertEquals(1, shape.embeddingScale());
    }

    @Test
    void shape_window_isEveryLayersUnlessAPatternSaysMore() {
        assertEquals(
                List.of(7, 7),
                windows(llama().layers(2).set("attention.sliding_window", 7L).shape(folder)));
        assertEquals(
                List.of(0, 0),
                windows(llama().layers(2).set("attention.sliding_window", 0L).shape(folder)));
        ModelDraft draft = new ModelDraft("qwen2").layers(4).set("attention.sliding_window", 7L);
        assertEquals(
                List.of(7, 0, 7, 0),
                windows(draft.set("attention.sliding_window_pattern", 2L).shape(folder)));
        assertEquals(
                List.of(0, 0, 0, 0),
                windows(draft.set("attention.sliding_window_pattern", 1L).shape(folder)));
        assertEquals(
                List.of(0, 7, 7, 0),
                windows(draft.set("attention.sliding_window_pattern", new boolean[] {false, true, true, false})
                        .shape(folder)));
        assertEquals(
                List.of(7, 0, 0, 7),
                windows(draft.set("attention.sliding_window_pattern", new int[] {1, 0, 0, 1})
                        .shape(folder)));
    }

    @Test
    void shape_windowThatHoldsTheContext_isNone() {
        ModelDraft draft = llama().set("attention.sliding_window", 32L);
        assertEquals(List.of(32), windows(draft.shape(folder, 33)));
        assertEquals(List.of(0), windows(draft.shape(folder, 32)));
    }

    @Test
    void shape_equalNumbersForEachLayer_areTaken() {
        ModelShape shape = llama().layers(2)
                .set("attention.head_count", new int[] {2, 2})
                .set("attention.head_count_kv", new int[] {1, 1})
                .shape(folder);
        assertEquals(2, shape.heads());
        assertEquals(1, shape.kvHeads());
    }

    @Test
    void shape_contextLengthOverTheModels_isRefused() {
        var refusal = assertThrows(IllegalArgumentException.class, () -> llama().shape(folder, 65));
        assertEquals(
                "context length must be between 1 and the model's: contextLength=65, model=64", refusal.getMessage());
    }

    static Stream<Arguments> unusable() {
        String key = "metadata value is not usable: key=llama.";
        return Stream.of(
                Arguments.of("block_count", 0L, key + "block_count, expected=a positive number, found=0"),
                Arguments.of(
                        "block_count",
                        2_000_000_000L,
                        key + "block_count, expected=at most the file's tensors, 11, found=2000000000"),
                Arguments.of(
                        "attention.head_count", 0L, key + "attention.head_count, expected=a positive number, found=0"),
                Arguments.of("embedding_length", 1L, key + "attention.key_length, expected=1 to 65536, found=0"),
                Arguments.of(
                        "attention.key_length",
                        65_537L,
                        key + "attention.key_length, expected=1 to 65536, found=65537"),
                Arguments.of(
                        "attention.value_length",
                        8L,
                        key + "attention.value_length, expected=the key length, 4, found=8"),
                Arguments.of(
                        "attention.head_count_kv",
                        new int[] {1, 2},
                        key + "attention.head_count_kv, expected=the same in each layer, found=array of different "
                                + "numbers"),
                Arguments.of(
                        "attention.head_count_kv",
                        3L,
                        "model shape is not usable: heads must be a multiple of kvHeads: heads=2, kvHeads=3"),
                Arguments.of(
                        "attention.layer_norm_rms_epsilon",
                        Float.NaN,
                        "model shape is not usable: normEpsilon must be positive and finite: normEpsilon=NaN"),
                Arguments.of(
                        "attention.scale",
                        -1f,
                        "model shape is not usable: attentionScale must be positive and finite: attentionScale=-1.0"),
                Arguments.of(
                        "rope.dimension_count",
                        3L,
                        key + "rope.dimension_count, expected=even, 2 to the key length, 4, found=3"),
                Arguments.of(
                        "rope.dimension_count",
                        6L,
                        key + "rope.dimension_count, expected=even, 2 to the key length, 4, found=6"),
                Arguments.of("rope.dimension_count_swa", 2L, key + "rope.dimension_count_swa, expected=4, found=2"),
                Arguments.of("rope.freq_base", 0f, key + "rope.freq_base, expected=a number above 1, found=0.0"));
    }

    @ParameterizedTest
    @MethodSource("unusable")
    void shape_unusableNumber_isRefusedInOneLine(String name, Object value, String message) {
        refused(llama().set(name, value), message);
    }

    @Test
    void shape_patternOfAnotherLength_isRefused() {
        refused(
                llama().set("attention.sliding_window", 7L)
                        .set("attention.sliding_window_pattern", new boolean[] {true, false}),
                "metadata value is not usable: key=llama.attention.sliding_window_pattern, expected=1 entries, found=2");
    }

    @Test
    void shape_partOfAModel_isRefused() {
        refused(llama().setWhole("split.count", 3L), "model must be in one file: split.count=3");
        assertEquals(8, llama().setWhole("split.count", 1L).shape(folder).embedding());
    }

    @Test
    void shape_missingKey_isRefused() {
        for (String name : List.of("context_length", "embedding_length", "block_count", "feed_forward_length")) {
            refused(llama().without(name), "metadata key is missing: key=llama." + name);
        }
        refused(new ModelDraft("gpt2"), "metadata key is missing: key=gpt2.attention.layer_norm_epsilon");
    }

    static Stream<Arguments> notComputed() {
        return Stream.of(
                Arguments.of("expert_count", 8L, "0", "8"),
                Arguments.of("logit_scale", 0.0625f, "1", "0.0625"),
                Arguments.of("residual_scale", 0.22f, "1", Double.toString(0.22f)),
                Arguments.of("final_logit_softcapping", 30f, "0", "30"),
                Arguments.of("attn_logit_softcapping", 50f, "0", "50"),
                Arguments.of("use_parallel_residual", true, "0", "true"),
                Arguments.of("attention.causal", false, "1", "false"),
                Arguments.of("attention.max_alibi_bias", 8f, "0", "8"),
                Arguments.of("attention.clamp_kqv", 8f, "0", "8"),
                Arguments.of("attention.temperature_scale", 0.1f, "0", Double.toString(0.1f)),
                Arguments.of("attention.rope_pattern", new int[] {1, 0}, "1", "array of 2"),
                Arguments.of("rope.dimension_sections", new int[] {16, 24, 24, 0}, "0", "array of 4"),
                Arguments.of("rope.scaling.yarn_log_multiplier", 0.1f, "0", Double.toString(0.1f)),
                Arguments.of("rope.scaling.yarn_ext_factor", 0.5f, "1", "0.5"),
                Arguments.of("hidden_activation", "relu", "silu", "relu"));
    }

    @ParameterizedTest
    @MethodSource("notComputed")
    void shape_keyThatChangesTheArithmetic_isRefusedByName(String name, Object value, String neutral, String found) {
        refused(
                llama().set(name, value),
                "metadata value is not supported: key=llama." + name + ", expected=" + neutral + ", found=" + found);
    }

    @Test
    void shape_neutralValues_areTaken() {
        ModelShape plain = llama().shape(folder);
        ModelShape neutral = llama().set("expert_count", 0L)
                .set("logit_scale", 1f)
                .set("residual_scale", 0f)
                .set("final_logit_softcapping", 0f)
                .set("use_parallel_residual", false)
                .set("attention.causal", true)
                .set("rope.dimension_sections", new int[] {0, 0, 0, 0})
                .set("hidden_activation", "silu")
                .set("vocab_size", 99L)
                .shape(folder);
        assertEquals(plain, neutral);
    }

    @ParameterizedTest
    @CsvSource({"halves,HALVES", "adjacent,ADJACENT"})
    void shape_pairsInTheFile_areTaken(String text, Rope.Pairs pairs) {
        for (String architecture : List.of("llama", "qwen2")) {
            ModelShape shape = new ModelDraft(architecture)
                    .setWhole("quire.rope.pairs", text)
                    .shape(folder);
            assertEquals(pairs, shape.ropes().getFirst().pairs());
        }
        assertTrue(assertThrows(ModelFileException.class, () -> llama().setWhole("quire.rope.pairs", "both")
                        .shape(folder))
                .getMessage()
                .contains("expected=halves or adjacent, found=both"));
    }
}
