package dev.quire.model;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.quire.format.ModelFileException;
import dev.quire.tensor.TensorType;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WeightBinderTest {
    @TempDir
    Path folder;

    private static ModelDraft llama() {
        return new ModelDraft("llama");
    }

    private static ModelDraft phi3() {
        return new ModelDraft("phi3")
                .withoutTensor("blk.0.attn_q.weight")
                .withoutTensor("blk.0.attn_k.weight")
                .withoutTensor("blk.0.attn_v.weight")
                .tensor("blk.0.attn_qkv.weight", 16, 8)
                .withoutTensor("blk.0.ffn_gate.weight")
                .tensor("blk.0.ffn_up.weight", 12, 8);
    }

    private void refused(ModelDraft draft, String message) {
        var refusal = assertThrows(ModelFileException.class, () -> draft.load(folder));
        assertEquals(message + ", file=" + folder.resolve("draft.gguf"), refusal.getMessage());
    }

    private void taken(ModelDraft draft) {
        assertDoesNotThrow(() -> draft.load(folder));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "token_embd.weight",
                "output_norm.weight",
                "blk.0.attn_norm.weight",
                "blk.0.attn_q.weight",
                "blk.0.attn_output.weight",
                "blk.0.ffn_gate.weight",
                "blk.0.ffn_down.weight"
            })
    void load_missingTensor_isRefusedByName(String name) {
        refused(llama().withoutTensor(name), "tensor is missing: tensor=" + name);
    }

    @Test
    void load_anotherShape_isRefusedWithBoth() {
        refused(
                llama().tensor("blk.0.attn_k.weight", 8, 8),
                "tensor has an unexpected shape: tensor=blk.0.attn_k.weight, expected=[4, 8], found=[8, 8]");
        refused(
                llama().tensor("token_embd.weight", 6, 8),
                "tensor has an unexpected shape: tensor=token_embd.weight, expected=[5, 8], found=[6, 8]");
        refused(
                llama().tensor("blk.0.attn_q.bias", 1, 4),
                "tensor has an unexpected shape: tensor=blk.0.attn_q.bias, expected=[1, 8], found=[1, 4]");
        refused(
                phi3().tensor("blk.0.attn_qkv.weight", 24, 8),
                "tensor has an unexpected shape: tensor=blk.0.attn_qkv.weight, expected=[16, 8], found=[24, 8]");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "blk.0.attn_norm.bias",
                "blk.0.attn_q_norm.weight",
                "blk.0.ffn_gate_inp.weight",
                "blk.1.attn_norm.weight",
                "output.bias",
                "position_embd.weight",
                "mm.input_projection.weight"
            })
    void load_tensorThatWouldBeLeftOut_isRefusedByName(String name) {
        refused(llama().tensor(name, 1, 8), "tensor is not supported: tensor=" + name + ", general.architecture=llama");
    }

    @Test
    void load_tensorsOfNoEffect_areTaken() {
        taken(llama().tensor("rope_freqs.weight", 1, 2).tensor("blk.0.attn_rot_embd.weight", 1, 2));
    }

    @Test
    void load_biases_areTakenWhereverTheyAre() {
        taken(llama().tensor("blk.0.attn_q.bias", 1, 8)
                .tensor("blk.0.attn_k.bias", 1, 4)
                .tensor("blk.0.attn_v.bias", 1, 4)
                .tensor("blk.0.attn_output.bias", 1, 8)
                .tensor("blk.0.ffn_gate.bias", 1, 6)
                .tensor("blk.0.ffn_up.bias", 1, 6)
                .tensor("blk.0.ffn_down.bias", 1, 8));
    }

    @Test
    void load_fusedTensors_areTakenApart() {
        taken(phi3());
        taken(new ModelDraft("phi3")); // as some converters write it
        taken(llama().withoutTensor("blk.0.attn_q.weight")
                .withoutTensor("blk.0.attn_k.weight")
                .withoutTensor("blk.0.attn_v.weight")
                .tensor("blk.0.attn_qkv.weight", 16, 8)
                .tensor("blk.0.attn_qkv.bias", 1, 16));
        refused(
                phi3().tensor("blk.0.attn_q.weight", 8, 8),
                "tensor is not supported: tensor=blk.0.attn_q.weight, general.architecture=phi3");
    }

    @Test
    void load_vectorOfAnotherType_isConverted() {
        taken(llama().tensor("output_norm.weight", TensorType.F16, 1, 8));
    }

    @Test
    void load_gpt2_needsPositionsAndBiases() {
        ModelDraft draft = new ModelDraft("gpt2")
                .set("attention.layer_norm_epsilon", 1e-5f)
                .without("attention.head_count_kv")
                .withoutTensor("blk.0.ffn_gate.weight")
                .withoutTensor("blk.0.attn_q.weight")
                .withoutTensor("blk.0.attn_k.weight")
                .withoutTensor("blk.0.attn_v.weight")
                .tensor("blk.0.attn_qkv.weight", 24, 8)
                .tensor("blk.0.attn_qkv.bias", 1, 24)
                .tensor("blk.0.attn_output.bias", 1, 8)
                .tensor("blk.0.ffn_up.bias", 1, 6)
                .tensor("blk.0.ffn_down.bias", 1, 8)
                .tensor("blk.0.attn_norm.bias", 1, 8)
                .tensor("blk.0.ffn_norm.bias", 1, 8)
                .tensor("output_norm.bias", 1, 8)
                .tensor("position_embd.weight", 64, 8);
        taken(draft);
        refused(draft.withoutTensor("blk.0.ffn_up.bias"), "tensor is missing: tensor=blk.0.ffn_up.bias");
        refused(
                draft.tensor("blk.0.ffn_up.bias", 1, 6).tensor("rope_freqs.weight", 1, 2),
                "tensor is not supported: tensor=rope_freqs.weight, general.architecture=gpt2");
        refused(
                draft.withoutTensor("rope_freqs.weight").tensor("position_embd.weight", 63, 8),
                "tensor has an unexpected shape: tensor=position_embd.weight, expected=[64, 8], found=[63, 8]");
    }
}
