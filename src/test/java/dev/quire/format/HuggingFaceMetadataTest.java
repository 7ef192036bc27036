package dev.quire.format;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.quire.tensor.Dequantizer;
import dev.quire.tensor.Tensor;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What a configuration becomes in GGUF's keys.
class HuggingFaceMetadataTest {
    @TempDir
    Path folder;

    private ModelMetadata read(FolderWriter writer) {
        try (var model = HuggingFaceFolder.open(writer.write(folder))) {
            return model.metadata();
        }
    }

    private static FolderWriter with(String modelType, String json) {
        var writer = FolderWriter.of(modelType);
        try {
            writer.config().setAll((ObjectNode) new ObjectMapper().readTree(json));
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(e);
        }
        return writer;
    }

    @ParameterizedTest
    @CsvSource({
        "llama, llama",
        "mistral, llama",
        "qwen2, qwen2",
        "qwen3, qwen3",
        "gemma3_text, gemma3",
        "phi3, phi3",
        "gpt2, gpt2"
    })
    void numbers_haveTheKeysOfGguf(String modelType, String architecture) {
        ModelMetadata metadata = read(FolderWriter.of(modelType));
        boolean gpt2 = modelType.equals("gpt2");
        assertEquals(architecture, metadata.string("general.architecture"));
        assertEquals(folder.getFileName().toString(), metadata.string("general.name"));
        assertEquals(1, metadata.integer(architecture + ".block_count"));
        assertEquals(64, metadata.integer(architecture + ".context_length"));
        assertEquals(8, metadata.integer(architecture + ".embedding_length"));
        assertEquals(6, metadata.integer(architecture + ".feed_forward_length"));
        assertEquals(5, metadata.integer(architecture + ".vocab_size"));
        assertEquals(2, metadata.integer(architecture + ".attention.head_count"));
        assertEquals(gpt2 ? 2 : 1, metadata.integer(architecture + ".attention.head_count_kv"));
        assertEquals(4, metadata.integer(architecture + ".attention.key_length"));
        assertEquals(4, metadata.integer(architecture + ".attention.value_length"));
        assertEquals(gpt2, metadata.has(architecture + ".attention.layer_norm_epsilon"));
        assertEquals(!gpt2, metadata.has(architecture + ".attention.layer_norm_rms_epsilon"));
        assertEquals(gpt2 ? "none" : "halves", metadata.string("quire.rope.pairs", "none"));
        assertEquals(!gpt2, metadata.has(architecture + ".rope.dimension_count"));
    }

    @Test
    void modelType_missing_isTakenFromTheClass() {
        var writer = FolderWriter.of("qwen3");
        writer.config().remove("model_type");
        writer.config().putArray("architectures").add("Qwen3ForCausalLM");
        assertEquals("qwen3", read(writer).string("general.architecture"));
    }

    /// What Transformers assumes; null is as good as no key.
    @Test
    void missingKeys_haveTheirDefaults() {
        ModelMetadata metadata = read(with(
                "llama", "{\"rms_norm_eps\": null, \"rope_theta\": null, \"rope_scaling\": null, \"head_dim\": null}"));
        assertEquals(1e-6, metadata.number("llama.attention.layer_norm_rms_epsilon"));
        assertEquals(10_000, metadata.number("llama.rope.freq_base"));
        assertEquals("none", metadata.string("llama.rope.scaling.type"));
        assertEquals(4, metadata.integer("llama.attention.key_length"));
    }

    @Test
    void sizes_missing_areThoseOfTheArchitecture() {
        var gemma = HuggingFaceArchitecture.GEMMA3;
        var sizes = gemma.sizes(emptyText());
        assertEquals(new HuggingFaceArchitecture.Sizes(262_208, 2304, 9216, 26, 8, 4, 256, 131_072), sizes);
        assertEquals(
                new HuggingFaceArchitecture.Sizes(50_257, 768, 3072, 12, 12, 12, 64, 1024),
                HuggingFaceArchitecture.GPT2.sizes(emptyText()));
        assertEquals(
                new HuggingFaceArchitecture.Sizes(32_000, 4096, 14_336, 32, 32, 8, 128, 131_072),
                HuggingFaceArchitecture.MISTRAL.sizes(emptyText()));
        assertEquals(
                new HuggingFaceArchitecture.Sizes(151_936, 4096, 22_016, 32, 32, 32, 128, 32_768),
                HuggingFaceArchitecture.QWEN3.sizes(emptyText()));
    }

    private HuggingFaceConfig emptyText() {
        FolderWriter.of("llama").file("empty.json", "{}").writeWithoutModel(folder);
        return HuggingFaceConfig.read(folder.resolve("empty.json"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"rope_theta": 500, "rope_scaling": {"type": "linear", "factor": 2}}                      | linear
            {"rope_parameters": {"rope_type": "linear", "rope_theta": 500.0, "factor": 2.0}}          | linear
            {"rope_parameters": {"rope_type": "linear", "factor": 2}, "rope_theta": 500}              | linear
            {"rope_theta": 500, "rope_scaling": {"type": "dynamic", "factor": 2}}                     | none
            {"rope_theta": 500, "rope_scaling": {}, "rope_parameters": {"rope_type": "default"}}      | none
            """)
    void rope_ofEveryRelease_isRead(String json, String type) {
        ModelMetadata metadata = read(with("llama", json));
        assertEquals(500, metadata.number("llama.rope.freq_base"));
        assertEquals(type, metadata.string("llama.rope.scaling.type"));
        assertEquals(type.equals("linear") ? 2 : 0, metadata.number("llama.rope.scaling.factor", 0));
    }

    /// The numbers of Llama 3.1: pairs that turn more than four times in 8,192 tokens keep their frequency, those that
    /// turn less than once have an eighth of it.
    @Test
    void rope_llama3_isATensorOfDivisors() {
        var writer = with("llama", """
                {"head_dim": 128, "rope_theta": 500000.0, "rope_scaling": {"factor": 8.0, "low_freq_factor": 1.0,
                 "high_freq_factor": 4.0, "original_max_position_embeddings": 8192, "rope_type": "llama3"}}""");
        writer.tensor("model.layers.0.self_attn.q_proj.weight", 256, 8)
                .tensor("model.layers.0.self_attn.k_proj.weight", 128, 8);
        writer.tensor("model.layers.0.self_attn.v_proj.weight", 128, 8)
                .tensor("model.layers.0.self_attn.o_proj.weight", 8, 256);
        try (var model = HuggingFaceFolder.open(writer.write(folder))) {
            assertEquals("none", model.metadata().string("llama.rope.scaling.type"));
            Tensor divisors = model.tensor("rope_freqs.weight");
            float[] values = new float[64];
            Dequantizer.readRow(divisors, 0, values);
            assertEquals(1, values[0]);
            assertEquals(1, values[28]);
            // What `_compute_llama3_parameters` of Transformers divides by.
            assertEquals(1.207484f, values[29], 1e-6f);
            assertEquals(5.257327f, values[34], 1e-6f);
            assertEquals(8, values[35]);
            assertEquals(8, values[63]);
        }
    }

    @Test
    void rope_yarn_hasItsKeys() {
        ModelMetadata metadata = read(with(
                "qwen2",
                "{\"rope_scaling\": {\"type\": \"yarn\", \"factor\": 4.0, \"original_max_position_embeddings\": 16}}"));
        assertEquals("yarn", metadata.string("qwen2.rope.scaling.type"));
        assertEquals(4, metadata.number("qwen2.rope.scaling.factor"));
        assertEquals(16, metadata.integer("qwen2.rope.scaling.original_context_length"));
        assertFalse(metadata.has("qwen2.rope.scaling.yarn_attn_factor"));
        metadata = read(with("qwen2", """
                {"rope_scaling": {"type": "yarn", "beta_fast": 16, "beta_slow": 2, "mscale": 2, "mscale_all_dim": 1,
                 "original_max_position_embeddings": 16}}"""));
        assertEquals(4, metadata.number("qwen2.rope.scaling.factor"), "context length / original one");
        assertEquals(16, metadata.number("qwen2.rope.scaling.yarn_beta_fast"));
        assertEquals(2, metadata.number("qwen2.rope.scaling.yarn_beta_slow"));
        assertEquals(
                (0.2 * Math.log(4) + 1) / (0.1 * Math.log(4) + 1),
                metadata.number("qwen2.rope.scaling.yarn_attn_factor"),
                1e-12);
    }

    @ParameterizedTest
    @ValueSource(strings = {"su", "yarn", "longrope"})
    void rope_longRope_isTwoTensorsAndAFactor(String type) {
        var writer = with("phi3", """
                {"original_max_position_embeddings": 16, "rope_scaling": {"type": "%s", "short_factor": [1.0, 1.5],
                 "long_factor": [2, 3]}}""".formatted(type));
        try (var model = HuggingFaceFolder.open(writer.write(folder))) {
            ModelMetadata metadata = model.metadata();
            assertEquals("longrope", metadata.string("phi3.rope.scaling.type"));
            assertEquals(16, metadata.integer("phi3.rope.scaling.original_context_length"));
            double magnitude = Math.sqrt(1 + Math.log(64.0 / 16) / Math.log(16));
            assertEquals(magnitude, metadata.number("phi3.rope.scaling.attn_factor"), 1e-12);
            float[] values = new float[2];
            Dequantizer.readRow(model.tensor("rope_factors_short.weight"), 0, values);
            assertArrayEquals(new float[] {1, 1.5f}, values);
            Dequantizer.readRow(model.tensor("rope_factors_long.weight"), 0, values);
            assertArrayEquals(new float[] {2, 3}, values);
        }
    }

    @Test
    void rope_phi3_mayTurnAPartOfAHead() {
        ModelMetadata metadata = read(with("phi3", "{\"partial_rotary_factor\": 0.5}"));
        assertEquals(2, metadata.integer("phi3.rope.dimension_count"));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"rope_theta\": 500, \"rope_local_base_freq\": 20, \"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 8}}",
                "{\"rope_parameters\": {\"full_attention\": {\"rope_theta\": 500, \"rope_type\": \"linear\", \"factor\": 8},"
                        + " \"sliding_attention\": {\"rope_theta\": 20, \"rope_type\": \"default\"}}}"
            })
    void rope_gemma3_isTwo(String json) {
        ModelMetadata metadata = read(with("gemma3_text", json));
        assertEquals(500, metadata.number("gemma3.rope.freq_base"));
        assertEquals(20, metadata.number("gemma3.rope.freq_base_swa"));
        assertEquals(8, metadata.number("gemma3.rope.scaling.factor"));
        metadata = read(FolderWriter.of("gemma3_text"));
        assertEquals(1_000_000, metadata.number("gemma3.rope.freq_base"));
        assertEquals(10_000, metadata.number("gemma3.rope.freq_base_swa"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            llama       | {"sliding_window": 9}                                                | 0
            mistral     | {"sliding_window": 9}                                                | 9
            mistral     | {"sliding_window": null}                                             | 0
            mistral     | {}                                                                   | 4096
            mistral     | {"sliding_window": 9, "layer_types": ["sliding_attention"]}          | 9
            mistral     | {"sliding_window": 9, "layer_types": ["full_attention"]}             | 0
            phi3        | {"sliding_window": 9}                                                | 9
            phi3        | {}                                                                   | 0
            qwen2       | {"sliding_window": 9, "max_window_layers": 0}                        | 0
            qwen2       | {"sliding_window": 9, "max_window_layers": 0, "use_sliding_window": true} | 9
            qwen2       | {"sliding_window": 9, "max_window_layers": 1, "use_sliding_window": true} | 0
            qwen3       | {"sliding_window": 9, "use_sliding_window": true, "layer_types": ["sliding_attention"]} | 9
            gemma3_text | {"sliding_window": 9}                                                | 9
            gemma3_text | {"sliding_window": 9, "sliding_window_pattern": 1}                   | 0
            gemma3_text | {"sliding_window": 9, "layer_types": ["full_attention"]}             | 0
            gemma3_text | {"sliding_window": null, "layer_types": ["full_attention"]}          | 0
            """)
    void window_isThatOfTransformers(String modelType, String json, int window) {
        ModelMetadata metadata = read(with(modelType, json));
        String architecture = metadata.string("general.architecture");
        assertEquals(window, metadata.integer(architecture + ".attention.sliding_window", 0));
        assertEquals(window > 0, metadata.has(architecture + ".attention.sliding_window"));
    }

    @Test
    void window_ofSomeLayers_isAPattern() {
        var writer = with("gemma3_text", "{\"num_hidden_layers\": 4, \"sliding_window_pattern\": 3}");
        for (int layer = 1; layer < 4; layer++) {
            for (String name : FolderWriter.of("gemma3_text").names()) {
                if (name.startsWith("model.layers.0.")) {
                    writer.copy(name, name.replace("layers.0.", "layers." + layer + "."));
                }
            }
        }
        assertArrayEquals(new boolean[] {true, true, false, true}, (boolean[])
                read(writer).values().get("gemma3.attention.sliding_window_pattern"));
    }

    @Test
    void attentionScale_ofGemma3_isItsOwn() {
        ModelMetadata metadata = read(with("gemma3_text", "{\"query_pre_attn_scalar\": 16}"));
        assertEquals(0.25, metadata.number("gemma3.attention.scale"));
        assertFalse(read(FolderWriter.of("llama")).has("llama.attention.scale"));
    }

    /// Python writes numbers that are none; whoever asks for them refuses them.
    @Test
    void numbersThatAreNone_inKeysThatNobodyReads_areAllowed() {
        var writer = FolderWriter.of("llama");
        String config = writer.config().toString();
        writer.file("config.json", config.substring(0, config.length() - 1) + ", \"x\": NaN, \"y\": -Infinity}");
        assertTrue(read(writer).has("llama.block_count"));
    }
}
