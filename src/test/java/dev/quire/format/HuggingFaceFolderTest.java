package dev.quire.format;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.tensor.Dequantizer;
import dev.quire.tensor.Tensor;
import dev.quire.tensor.TensorType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What a folder's tensors become; {@link HuggingFaceMetadataTest} has the keys, {@link HostileFolderTest} the
/// refusals.
class HuggingFaceFolderTest {
    private static final String LLAMA_LAYER =
            "attn_norm attn_q attn_k attn_v attn_output ffn_norm ffn_gate ffn_up ffn_down";

    @TempDir
    Path folder;

    private static float[] row(Tensor tensor, long row) {
        float[] values = new float[(int) tensor.columns()];
        Dequantizer.readRow(tensor, row, values);
        return values;
    }

    private static byte[] shorts(int... values) {
        var bytes = ByteBuffer.allocate(2 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        IntStream.of(values).forEach(value -> bytes.putShort((short) value));
        return bytes.array();
    }

    private static Set<String> names(HuggingFaceFolder model) {
        return model.tensors().stream().map(Tensor::name).collect(Collectors.toCollection(TreeSet::new));
    }

    private static Set<String> expected(String outside, String layer) {
        Set<String> names = new TreeSet<>();
        for (String name : outside.split(" ")) {
            names.add(name.contains(".") ? name : name + ".weight");
        }
        for (String name : layer.split(" ")) {
            names.add("blk.0." + (name.contains(".") ? name : name + ".weight"));
        }
        return names;
    }

    @ParameterizedTest
    @CsvSource({
        "llama, " + LLAMA_LAYER,
        "mistral, " + LLAMA_LAYER,
        "qwen2, " + LLAMA_LAYER + " attn_q.bias attn_k.bias attn_v.bias",
        "qwen3, " + LLAMA_LAYER + " attn_q_norm attn_k_norm",
        "phi3, attn_norm attn_qkv attn_output ffn_norm ffn_up ffn_down"
    })
    void tensors_haveTheNamesOfGguf(String modelType, String layer) {
        try (var model = HuggingFaceFolder.open(FolderWriter.of(modelType).write(folder))) {
            assertEquals(expected("token_embd output output_norm", layer), names(model));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"model.", "language_model.model.", "model.language_model.", ""})
    void gemma3_ofEveryRelease_hasTheNamesOfGguf(String start) {
        var writer = FolderWriter.of("gemma3_text").renameAll("model.", start);
        try (var model = HuggingFaceFolder.open(writer.write(folder))) {
            String layer = LLAMA_LAYER + " attn_q_norm attn_k_norm post_attention_norm post_ffw_norm";
            assertEquals(expected("token_embd output_norm", layer), names(model));
        }
    }

    /// The text's numbers are in an object of their own, and what sees pictures is left alone, whatever its type.
    @Test
    void gemma3_withPictures_isItsTextHalf() {
        var writer = FolderWriter.of("gemma3_text").renameAll("model.", "language_model.model.");
        var text = writer.config().deepCopy();
        writer.config().removeAll();
        writer.config().put("model_type", "gemma3").set("text_config", text);
        writer.tensor("vision_tower.vision_model.embeddings.patch_embedding.weight", 2, 3, 2, 2)
                .tensor("multi_modal_projector.mm_input_projection_weight", "I8", new byte[4], 4);
        try (var model = HuggingFaceFolder.open(writer.write(folder))) {
            assertTrue(model.find("token_embd.weight").isPresent());
            assertEquals(names(model).size(), model.stored().size());
            assertFalse(model.stored().stream().anyMatch(tensor -> tensor.name().contains("vision")));
        }
    }

    @Test
    void gemma3_norms_areOneMore() {
        var writer = FolderWriter.of("gemma3_text");
        // 0.5, -1.5, 1/3 rounded, 0
        writer.tensor("model.layers.0.self_attn.q_norm.weight", "BF16", shorts(0x3f00, 0xbfc0, 0x3eab, 0), 4);
        try (var model = HuggingFaceFolder.open(writer.write(folder))) {
            Tensor norm = model.tensor("blk.0.attn_q_norm.weight");
            assertEquals(TensorType.F32, norm.type());
            assertArrayEquals(new float[] {1.5f, -0.5f, 1 + 0x1.56p-2f, 1}, row(norm, 0));
            assertSame(norm.data(), model.tensor("blk.0.attn_q_norm.weight").data());
        }
    }

    @Test
    void vectors_inAnyType_areF32() {
        var writer = FolderWriter.of("qwen2");
        writer.tensor("model.layers.0.self_attn.k_proj.bias", "F16", shorts(0x3c00, 0xc000, 0x0001, 0x7bff), 4);
        writer.tensor("model.layers.0.self_attn.v_proj.bias", "BF16", shorts(0x3f80, 0xc000, 0x0001, 0x7f7f), 4);
        try (var model = HuggingFaceFolder.open(writer.write(folder))) {
            Tensor half = model.tensor("blk.0.attn_k.bias");
            assertEquals(TensorType.F32, half.type());
            assertArrayEquals(new float[] {1, -2, 0x1p-24f, 65504}, row(half, 0));
            Tensor brain = model.tensor("blk.0.attn_v.bias");
            assertEquals(TensorType.F32, brain.type());
            assertArrayEquals(new float[] {1, -2, Float.intBitsToFloat(0x10000), 0x1.fep127f}, row(brain, 0));
        }
    }

    @Test
    void matrices_areUsedAsTheyAre() {
        var writer = FolderWriter.of("llama");
        writer.tensor("model.layers.0.mlp.down_proj.weight", "BF16", shorts(new int[48]), 8, 6);
        writer.tensor("model.layers.0.mlp.up_proj.weight", "F16", shorts(new int[48]), 6, 8);
        try (var model = HuggingFaceFolder.open(writer.write(folder))) {
            assertEquals(TensorType.BF16, model.tensor("blk.0.ffn_down.weight").type());
            assertEquals(TensorType.F16, model.tensor("blk.0.ffn_up.weight").type());
            Tensor queries = model.tensor("blk.0.attn_q.weight");
            assertEquals(TensorType.F32, queries.type());
            assertEquals(8, queries.rows());
            assertEquals(row(queries, 0)[0] + 9, row(queries, 1)[1]);
        }
    }

    /// More bytes than are read at a time.
    @Test
    void gpt2_bigMatrix_isTransposed() {
        int width = 40_001;
        var data = ByteBuffer.allocate(8 * width * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < 8 * width; i++) {
            data.putFloat(i);
        }
        var writer = FolderWriter.of("gpt2");
        writer.config().put("n_inner", width);
        writer.tensor("transformer.h.0.mlp.c_fc.weight", 8, width).tensor("transformer.h.0.mlp.c_fc.bias", width);
        writer.tensor("transformer.h.0.mlp.c_proj.weight", "F32", data.array(), width, 8);
        try (var model = HuggingFaceFolder.open(writer.write(folder))) {
            Tensor down = model.tensor("blk.0.ffn_down.weight");
            assertEquals(8, down.rows());
            for (int row = 0; row < 8; row++) {
                float[] values = row(down, row);
                for (int column = 0; column < width; column++) {
                    assertEquals(column * 8 + row, values[column]);
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"F32, 24", "F16, 24", "BF16, 24", "F32, 100", "BF16, 65"})
    void gpt2_matrices_areTransposed(String dtype, int width) {
        int bytes = dtype.equals("F32") ? 4 : 2;
        var data = ByteBuffer.allocate(8 * width * bytes).order(ByteOrder.LITTLE_ENDIAN);
        for (int i = 0; i < 8 * width; i++) {
            if (bytes == 4) {
                data.putInt(i << 16);
            } else {
                data.putShort((short) i);
            }
        }
        var writer = FolderWriter.of("gpt2");
        writer.config().put("n_inner", width);
        writer.tensor("transformer.h.0.mlp.c_fc.weight", dtype, data.array(), 8, width);
        writer.tensor("transformer.h.0.mlp.c_fc.bias", width).tensor("transformer.h.0.mlp.c_proj.weight", width, 8);
        try (var model = HuggingFaceFolder.open(writer.write(folder))) {
            Tensor up = model.tensor("blk.0.ffn_up.weight");
            assertEquals(dtype, up.type().name());
            assertEquals(width, up.rows());
            for (int row = 0; row < width; row++) {
                float[] values = row(up, row);
                for (int column = 0; column < 8; column++) {
                    int stored = column * width + row;
                    float expected = dtype.equals("F16")
                            ? Float.float16ToFloat((short) stored)
                            : Float.intBitsToFloat(stored << 16);
                    assertEquals(expected, values[column], "row=" + row + ", column=" + column);
                }
            }
        }
    }

    /// As the first release of GPT-2 has it: no prefix, and tables that nobody reads, in types that are no weights.
    @ParameterizedTest
    @ValueSource(strings = {"transformer.", ""})
    void gpt2_ofEveryRelease_hasTheNamesOfGguf(String start) {
        var writer = FolderWriter.of("gpt2").renameAll("transformer.", start);
        writer.tensor(start + "h.0.attn.bias", "U8", new byte[16], 1, 1, 4, 4);
        writer.tensor(start + "h.0.attn.masked_bias", "F32", new byte[4]);
        try (var model = HuggingFaceFolder.open(writer.write(folder))) {
            String layer = "attn_norm attn_norm.bias attn_qkv attn_qkv.bias attn_output attn_output.bias ffn_norm "
                    + "ffn_norm.bias ffn_up ffn_up.bias ffn_down ffn_down.bias";
            assertEquals(expected("token_embd position_embd output_norm output_norm.bias", layer), names(model));
        }
    }

    @Test
    void frequencies_thatOldCheckpointsStore_areLeftAlone() {
        var writer = FolderWriter.of("llama").tensor("model.layers.0.self_attn.rotary_emb.inv_freq", 2);
        try (var model = HuggingFaceFolder.open(writer.write(folder))) {
            assertEquals(12, model.stored().size());
        }
    }

    @Test
    void biases_thatTheConfigurationNames_arePartOfTheModel() {
        var writer = FolderWriter.of("llama");
        writer.config().put("attention_bias", true).put("mlp_bias", true);
        writer.tensor("model.layers.0.mlp.gate_proj.bias", 6).tensor("model.layers.0.mlp.up_proj.bias", 6);
        writer.tensor("model.layers.0.mlp.down_proj.bias", 8);
        for (String part : List.of("q", "k", "v", "o")) {
            boolean wide = part.equals("q") || part.equals("o");
            writer.tensor("model.layers.0.self_attn." + part + "_proj.bias", wide ? 8 : 4);
        }
        try (var model = HuggingFaceFolder.open(writer.write(folder))) {
            assertTrue(model.find("blk.0.attn_output.bias").isPresent());
            assertEquals(4, model.tensor("blk.0.attn_v.bias").columns());
            assertEquals(6, model.tensor("blk.0.ffn_gate.bias").columns());
            assertEquals(8, model.tensor("blk.0.ffn_down.bias").columns());
        }
    }

    @Test
    void tiedHead_absent_isTheEmbedding() {
        var writer = FolderWriter.of("llama").remove("lm_head.weight");
        writer.config().put("tie_word_embeddings", true);
        try (var model = HuggingFaceFolder.open(writer.write(folder))) {
            assertFalse(model.find("output.weight").isPresent());
        }
    }

    @Test
    void tiedHead_thatRepeatsTheEmbedding_isLeftOut() {
        var writer = FolderWriter.of("llama");
        writer.config().put("tie_word_embeddings", true);
        byte[] same = new byte[4 * 40];
        writer.tensor("lm_head.weight", "F32", same, 5, 8).tensor("model.embed_tokens.weight", "F32", same, 5, 8);
        try (var model = HuggingFaceFolder.open(writer.write(folder))) {
            assertFalse(model.find("output.weight").isPresent());
        }
    }

    /// Transformers does not tie what differs, whatever the configuration says.
    @Test
    void tiedHead_thatDiffersFromTheEmbedding_isKept() {
        var writer = FolderWriter.of("llama");
        writer.config().put("tie_word_embeddings", true);
        try (var model = HuggingFaceFolder.open(writer.write(folder))) {
            assertEquals(40, row(model.tensor("output.weight"), 0)[0] - row(model.tensor("token_embd.weight"), 0)[0]);
        }
    }

    @Test
    void tiedEmbedding_absent_isTheHead() {
        var writer = FolderWriter.of("llama").remove("model.embed_tokens.weight");
        writer.config().put("tie_word_embeddings", true);
        try (var model = HuggingFaceFolder.open(writer.write(folder))) {
            assertFalse(model.find("output.weight").isPresent());
            assertEquals(5, model.tensor("token_embd.weight").rows());
        }
    }

    @Test
    void shards_withAnIndex_areOneModel() {
        var writer = FolderWriter.of("llama");
        String index = """
                {"metadata": {"total_size": 1}, "weight_map": {%s}}""";
        List<String> names = writer.names();
        String map = names.stream()
                .map(name -> "\"" + name + "\": \"" + (name.contains("mlp") ? "b" : "a") + ".safetensors\"")
                .collect(Collectors.joining(", "));
        writer.file("a.safetensors", writer.safetensors(name -> !name.contains("mlp")));
        writer.file("b.safetensors", writer.safetensors(name -> name.contains("mlp")));
        writer.file("model.safetensors.index.json", index.formatted(map));
        try (var model = HuggingFaceFolder.open(writer.writeWithoutModel(folder))) {
            assertEquals(2, model.files().size());
            assertEquals(12, model.tensors().size());
            assertEquals(
                    model.files().stream()
                            .mapToLong(file -> file.toFile().length())
                            .sum(),
                    model.bytes());
        }
    }

    @Test
    void shards_numberedWithoutAnIndex_areOneModel() {
        var writer = FolderWriter.of("llama");
        writer.file("model-00002-of-00002.safetensors", writer.safetensors(name -> !name.contains("mlp")));
        writer.file("model-00001-of-00002.safetensors", writer.safetensors(name -> name.contains("mlp")));
        try (var model = HuggingFaceFolder.open(writer.writeWithoutModel(folder))) {
            assertEquals(
                    List.of("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"),
                    model.files().stream()
                            .map(path -> path.getFileName().toString())
                            .toList());
        }
    }

    @Test
    void singleFile_goesBeforeAnIndex() {
        var writer = FolderWriter.of("llama").file("model.safetensors.index.json", "{}");
        try (var model = HuggingFaceFolder.open(writer.write(folder))) {
            assertEquals(1, model.files().size());
        }
    }

    @Test
    void onlyFile_ofAnotherName_isTheModel() {
        var writer = FolderWriter.of("llama");
        writer.file("model.fp16.safetensors", writer.safetensors(_ -> true));
        try (var model = HuggingFaceFolder.open(writer.writeWithoutModel(folder))) {
            assertEquals(1, model.files().size());
        }
    }

    @Test
    void find_unknownName_isEmpty() {
        try (var model = HuggingFaceFolder.open(FolderWriter.of("llama").write(folder))) {
            assertTrue(model.find("blk.1.attn_q.weight").isEmpty());
            assertTrue(model.find("model.norm.weight").isEmpty());
            var e = assertThrows(ModelFileException.class, () -> model.tensor("a"));
            assertEquals("tensor is missing: tensor=a, file=" + folder, e.getMessage());
        }
    }

    @Test
    void close_twice_isAllowed() {
        var model = HuggingFaceFolder.open(FolderWriter.of("llama").write(folder));
        model.close();
        model.close();
    }

    @Test
    void name_isTheFoldersOrTheRepositorys() {
        Path commit = folder.resolve("Qwen3-0.6B/0123456789abcdef0123456789abcdef01234567");
        try (var model = HuggingFaceFolder.open(FolderWriter.of("llama").write(commit))) {
            assertEquals("Qwen3-0.6B", model.name());
            assertEquals("Qwen3-0.6B", model.metadata().string("general.name"));
        }
        try (var model = HuggingFaceFolder.open(FolderWriter.of("llama").write(folder.resolve("my model")))) {
            assertEquals("my model", model.name());
        }
        try (ModelFile model = ModelFile.open(Path.of("src/test/resources/models/tiny-llama-f16.gguf"))) {
            assertEquals("tiny-llama-f16", model.name());
        }
    }

    @Test
    void open_byPath_choosesByContent() {
        FolderWriter.of("llama").write(folder);
        try (ModelFile model = ModelFile.open(folder)) {
            assertTrue(model instanceof HuggingFaceFolder);
        }
        try (ModelFile model = ModelFile.open(Path.of("src/test/resources/models/tiny-llama-f16.gguf"))) {
            assertTrue(model instanceof GgufFile);
        }
        Path file = folder.resolve("model.safetensors");
        var e = assertThrows(ModelFileException.class, () -> ModelFile.open(file));
        assertEquals(
                "a safetensors file must be named by its folder, which has config.json: remedy=" + folder + ", file="
                        + file,
                e.getMessage());
    }
}
