package dev.quire.format;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What {@link HuggingFaceFolder#open} refuses, and in which words.
class HostileFolderTest {
    private static final String SHARD = "b.safetensors";

    @TempDir
    Path folder;

    private String refusal() {
        String message = assertThrows(ModelFileException.class, () -> HuggingFaceFolder.open(folder))
                .getMessage();
        assertEquals(1, message.lines().count(), message);
        assertTrue(message.length() < 1000, message);
        return message;
    }

    /// `in`, which follows the message, is the file's name with what comes after it.
    private void assertRefused(String message, String in) {
        assertEquals(message + ", file=" + (in.isEmpty() ? folder : folder.resolve(in)), refusal());
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

    @Test
    void emptyFolder_isRefused() {
        assertEquals("folder must have config.json: file=" + folder, refusal());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            ''                          | found=
            pytorch_model.bin           | found=pytorch_model.bin, remedy=convert the weights to safetensors
            consolidated.00.pth         | found=consolidated.00.pth, remedy=convert the weights to safetensors
            adapter_model.safetensors   | found=adapter_model.safetensors, remedy=merge the adapter into its model
            m.gguf                      | found=m.gguf, remedy=name the GGUF file itself
            consolidated.safetensors    | found=consolidated.safetensors
            """)
    void folderWithoutModel_isRefused(String file, String found) {
        var writer = FolderWriter.of("llama");
        if (!file.isEmpty()) {
            writer.file(file, "");
        }
        writer.writeWithoutModel(folder);
        String names = found.replace("found=", "found=config.json" + (found.equals("found=") ? "" : " "));
        // Names are listed in their order.
        String message = refusal();
        assertTrue(message.startsWith("folder must have model.safetensors: found="), message);
        assertTrue(message.contains(file) && message.contains("config.json"), message);
        int remedy = names.indexOf(", remedy=");
        assertTrue(message.endsWith((remedy < 0 ? "" : names.substring(remedy)) + ", file=" + folder), message);
    }

    @Test
    void files_thatAreNotClear_areRefused() {
        var writer = FolderWriter.of("llama");
        byte[] all = writer.safetensors(_ -> true);
        writer.file("model-00001-of-00003.safetensors", all).file("model-00003-of-00003.safetensors", all);
        writer.writeWithoutModel(folder);
        assertRefused(
                "model must have each of its shards once: shard=2, shards=3, found=model-00001-of-00003.safetensors "
                        + "model-00003-of-00003.safetensors",
                "");
        writer.file("model.fp16.safetensors", all).writeWithoutModel(folder);
        assertRefused(
                "several safetensors files must have an index: expected=model.safetensors.index.json, found="
                        + "model-00001-of-00003.safetensors model-00003-of-00003.safetensors model.fp16.safetensors",
                "");
    }

    @Test
    void shards_withTheSameTensor_areRefused() {
        var writer = FolderWriter.of("llama");
        byte[] all = writer.safetensors(_ -> true);
        writer.file("model-1-of-2.safetensors", all).file("model-2-of-2.safetensors", all);
        writer.writeWithoutModel(folder);
        assertRefused(
                "tensor name must be unique: tensor=model.embed_tokens.weight, earlier="
                        + folder.resolve("model-1-of-2.safetensors"),
                "model-2-of-2.safetensors, offset=9");
    }

    /// A folder of two shards whose index is `json`, where `MAP` stands for the right one.
    private void writeShards(String json) {
        var writer = FolderWriter.of("llama");
        String map = writer.names().stream()
                .map(name -> "\"" + name + "\":\"" + (name.contains("mlp") ? SHARD : "a.safetensors") + "\"")
                .collect(Collectors.joining(","));
        writer.file("a.safetensors", writer.safetensors(name -> !name.contains("mlp")));
        writer.file(SHARD, writer.safetensors(name -> name.contains("mlp")));
        writer.file("model.safetensors.index.json", json.replace("MAP", map));
        writer.writeWithoutModel(folder);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"weight_map":{MAP,"a":"c.safetensors"}} | shard must exist: shard=c.safetensors, namedBy=model.safetensors.index.json, file=F/c.safetensors
            {"weight_map":{MAP,"a":"b.safetensors"}} | tensor must be in the shard that the index names: tensor=a, shard=b.safetensors, found=nowhere, file=F/I
            {"weight_map":{MAP,"a":"../b.safetensors"}} | index must name files of its folder that end in .safetensors: tensor=a, found=../b.safetensors, file=F/I, offset=
            {"weight_map":{MAP,"a":"/b.safetensors"}} | index must name files of its folder that end in .safetensors: tensor=a, found=/b.safetensors, file=F/I, offset=
            {"weight_map":{MAP,"a":"x/../b.safetensors"}} | index must name files of its folder that end in .safetensors
            {"weight_map":{MAP,"a":"..\\\\b.safetensors"}} | index must name files of its folder that end in .safetensors
            {"weight_map":{MAP,"a":"C:b.safetensors"}} | index must name files of its folder that end in .safetensors
            {"weight_map":{MAP,"a":"b.bin"}} | index must name files of its folder that end in .safetensors
            {"weight_map":{MAP,"a":""}} | index must name files of its folder that end in .safetensors
            {"weight_map":{MAP,"a":"b\\u0000.safetensors"}} | index must name files of its folder that end in .safetensors
            {"weight_map":{MAP,"a":1}} | index must have a file name here: tensor=a, found=integer, file=F/I, offset=
            {"weight_map":{MAP,"lm_head.weight":"a.safetensors"}} | index must name a tensor once: tensor=lm_head.weight, file=F/I, offset=
            {"weight_map":{MAP},"weight_map":{}} | index must have a key once: key=weight_map, file=F/I, offset=
            {"weight_map":[]} | index must have '{' here: key=weight_map, found='[', file=F/I, offset=14
            {"weight_map":{}} | index must name tensors: key=weight_map, tensors=0, file=F/I, offset=0
            {"metadata":{}} | index must name tensors: key=weight_map, tensors=0, file=F/I, offset=0
            [] | index must have '{' here: found='[', file=F/I, offset=0
            {"weight_map":{MAP}} x | index must be JSON: reason=
            {"weight_map":{MAP | index must be JSON: reason=
            """)
    void index_bad_isRefused(String json, String message) {
        writeShards(json);
        String expected =
                message.replace("F/I", "F/model.safetensors.index.json").replace("F/", folder + "/");
        assertTrue(refusal().startsWith(expected), refusal() + "\n" + expected);
    }

    @Test
    void index_ofAnotherShard_isRefused() {
        writeShards(
                "{\"weight_map\":{MAP}}"
                        .replace(
                                "MAP",
                                "\"model.layers.0.mlp.up_proj.weight\":\"a.safetensors\",\"lm_head.weight\":\"b.safetensors\""));
        assertRefused(
                "tensor must be in the shard that the index names: tensor=model.layers.0.mlp.up_proj.weight, "
                        + "shard=a.safetensors, found=b.safetensors",
                "model.safetensors.index.json");
    }

    @Test
    void index_withoutATensorOfAShard_isRefused() {
        writeShards("{\"weight_map\":{\"lm_head.weight\":\"a.safetensors\"}}");
        assertRefused(
                "tensor of a shard must be in the index: tensor=model.embed_tokens.weight, index="
                        + folder.resolve("model.safetensors.index.json"),
                "a.safetensors, offset=9");
    }

    @Test
    void hugeFiles_areRefusedBeforeTheyAreRead() throws IOException {
        FolderWriter.of("llama").writeWithoutModel(folder);
        Path index = folder.resolve("model.safetensors.index.json");
        Path config = folder.resolve("config.json");
        for (Path file : new Path[] {index, config}) {
            try (var out = new RandomAccessFile(file.toFile(), "rw")) {
                out.setLength(1L << 30);
            }
            String message = refusal();
            assertTrue(message.contains("must not exceed its bound: bytes=1073741824, bound="), message);
            assertTrue(message.endsWith(", file=" + file), message);
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            ''            | file must hold a value: found=end
            []            | file must hold an object: found=array
            "llama"       | file must hold an object: found=string
            {             | file must be JSON: reason=Unexpected end-of-input
            {} {}         | file must end here: found='{'
            {"a":1,"a":2} | file must be JSON: reason=Duplicate field 'a'
            {"a":01}      | file must be JSON: reason=Invalid numeric value
            """)
    void config_notAnObject_isRefused(String json, String message) {
        FolderWriter.of("llama").file("config.json", json).write(folder);
        String found = refusal();
        assertTrue(found.startsWith(message), found);
        assertTrue(found.contains(", file=" + folder.resolve("config.json") + ", offset="), found);
    }

    @Test
    void config_deep_isRefused() {
        FolderWriter.of("llama").file("config.json", "{\"a\":".repeat(100_000)).write(folder);
        assertTrue(refusal().startsWith("file must be JSON: reason=Document nesting depth"), refusal());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"model_type": "mixtral"}                  | model_type must be one of llama, mistral, qwen2, qwen3, gemma3_text, gemma3, phi3, gpt2: model_type=mixtral, architectures=
            {"model_type": null, "architectures": ["X"]} | model_type must be one of llama, mistral, qwen2, qwen3, gemma3_text, gemma3, phi3, gpt2: model_type=, architectures=X
            {"model_type": 1}                          | key=model_type, expected=string, found=number
            {"model_type": null, "architectures": [1]} | key=architectures, expected=array of strings, found=array
            {"hidden_size": "8"}                       | key=hidden_size, expected=integer, found=string
            {"hidden_size": 8.0}                       | key=hidden_size, expected=integer, found=number
            {"hidden_size": [8]}                       | key=hidden_size, expected=integer, found=array
            {"hidden_size": true}                      | key=hidden_size, expected=integer, found=boolean
            {"hidden_size": 0}                         | key=hidden_size, expected=1 to 2147483647, found=0
            {"hidden_size": -8}                        | key=hidden_size, expected=1 to 2147483647, found=-8
            {"hidden_size": 2147483648}                | key=hidden_size, expected=1 to 2147483647, found=2147483648
            {"hidden_size": 123456789012345678901234567890} | key=hidden_size, expected=1 to 2147483647, found=123456789012345678901234567890
            {"num_hidden_layers": 0}                   | key=num_hidden_layers, expected=1 to 2147483647, found=0
            {"num_hidden_layers": 13}                  | key=num_hidden_layers, expected=at most the tensors, 12, found=13
            {"num_hidden_layers": 2147483647}          | key=num_hidden_layers, expected=at most 65536, found=2147483647
            {"head_dim": 2147483646}                   | key=head_dim, expected=at most 65536, found=2147483646
            {"head_dim": 3}                            | key=head_dim, expected=an even number to rotate, found=3
            {"num_attention_heads": 0}                 | key=num_attention_heads, expected=1 to 2147483647, found=0
            {"vocab_size": 0}                          | key=vocab_size, expected=1 to 2147483647, found=0
            {"rms_norm_eps": "1e-5"}                   | key=rms_norm_eps, expected=number, found=string
            {"rms_norm_eps": -1}                       | key=rms_norm_eps, expected=a positive number, found=-1
            {"rope_theta": 0}                          | key=rope_theta, expected=a positive number, found=0
            {"hidden_act": "relu"}                     | key=hidden_act, expected=silu or swish, found=relu
            {"hidden_act": 1}                          | key=hidden_act, expected=string, found=number
            {"mlp_bias": "no"}                         | key=mlp_bias, expected=true or false, found=string
            {"attention_bias": 1}                      | key=attention_bias, expected=true or false, found=number
            {"tie_word_embeddings": "x"}               | key=tie_word_embeddings, expected=true or false, found=string
            {"quantization_config": {"quant_method": "gptq", "bits": 4}} | key=quantization_config, expected=weights in F32, F16 or BF16, found=gptq
            {"quantization_config": {"quant_method": "awq"}} | key=quantization_config, expected=weights in F32, F16 or BF16, found=awq
            {"quantization_config": 4}                 | key=quantization_config, expected=object, found=number
            {"quantization": {"group_size": 64}}       | key=quantization, expected=weights in F32, F16 or BF16, found=quantised weights
            {"rope_scaling": "linear"}                 | key=rope_scaling, expected=object, found=string
            {"rope_scaling": {"type": "linear"}}       | key=rope_scaling.factor, expected=a positive number, found=nothing
            {"rope_scaling": {"type": "linear", "factor": 0}} | key=rope_scaling.factor, expected=a positive number, found=0
            {"rope_scaling": {"type": "linear", "factor": "2"}} | key=rope_scaling.factor, expected=number, found=string
            {"rope_scaling": {"type": "ntk", "factor": 2}} | key=rope_scaling.rope_type, expected=default, linear, llama3, yarn, longrope or dynamic, found=ntk
            {"rope_scaling": {"type": 3}}              | key=rope_scaling.type, expected=string, found=number
            {"rope_scaling": {"type": "llama3", "factor": 8}} | key=rope_scaling.low_freq_factor, expected=a positive number, found=nothing
            {"rope_scaling": {"type": "llama3", "factor": 8, "low_freq_factor": 4, "high_freq_factor": 4}} | key=rope_scaling.low_freq_factor, expected=less than high_freq_factor, 4.0, found=4.0
            {"rope_scaling": {"type": "yarn", "factor": 8, "truncate": false}} | key=rope_scaling.truncate, expected=true, found=false
            {"rope_scaling": {"type": "longrope", "short_factor": [1]}} | key=rope_scaling.long_factor, expected=array of 2 numbers, found=nothing
            {"rope_scaling": {"type": "longrope", "long_factor": [1], "short_factor": [1]}} | key=rope_scaling.long_factor, expected=array of 2 numbers, found=array of 1
            {"rope_scaling": {"type": "longrope", "long_factor": [1, "a"]}} | key=rope_scaling.long_factor[1], expected=a positive number, found=a
            {"rope_scaling": {"type": "longrope", "long_factor": [1, -1]}} | key=rope_scaling.long_factor[1], expected=a positive number, found=-1
            {"rope_parameters": {"full_attention": {}}} | key=rope_parameters, expected=one set for all layers, found=full_attention
            {"partial_rotary_factor": 0.5}             | key=partial_rotary_factor, expected=1, found=0.5
            """)
    void config_badValue_isRefusedByItsKey(String json, String message) {
        with("llama", json).write(folder);
        String start = message.startsWith("key=") ? "configuration value is not usable: " : "";
        assertRefused(start + message, "config.json");
    }

    @ParameterizedTest
    @CsvSource({"1e999, Infinity", "NaN, NaN", "-Infinity, -Infinity"})
    void config_numberThatIsNone_isRefusedByItsKey(String number, String found) {
        var writer = FolderWriter.of("llama");
        String config = writer.config().toString();
        writer.file("config.json", "{\"rms_norm_eps\":" + number + "," + config.substring(1))
                .write(folder);
        assertRefused(
                "configuration value is not usable: key=rms_norm_eps, expected=a positive number, found=" + found,
                "config.json");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            gemma3_text | {"hidden_activation": "gelu"}          | key=hidden_activation, expected=gelu_pytorch_tanh or gelu_new or gelu_python_tanh, found=gelu
            gemma3_text | {"final_logit_softcapping": 30.0}      | key=final_logit_softcapping, expected=null, found=a number
            gemma3_text | {"use_bidirectional_attention": true}  | key=use_bidirectional_attention, expected=false, found=true
            gemma3_text | {"sliding_window": null}               | key=sliding_window, expected=a number, for there are layers with sliding_attention, found=nothing
            gemma3_text | {"sliding_window_pattern": 0}          | key=sliding_window_pattern, expected=1 to 2147483647, found=0
            gemma3_text | {"layer_types": ["chunked_attention"]} | key=layer_types[0], expected=full_attention or sliding_attention, found=chunked_attention
            gemma3_text | {"layer_types": []}                    | key=layer_types, expected=array of 1 strings, found=array of 0
            gemma3_text | {"rope_parameters": {"sliding_attention": {"rope_type": "linear"}}} | key=rope_parameters.sliding_attention.rope_type, expected=default, found=linear
            qwen2       | {"layer_types": ["sliding_attention"]} | key=sliding_window, expected=a number, for there are layers with sliding_attention, found=nothing
            phi3        | {"partial_rotary_factor": 1.5}         | key=partial_rotary_factor, expected=at most 1, found=1.5
            gpt2        | {"activation_function": "gelu"}        | key=activation_function, expected=gelu_pytorch_tanh or gelu_new or gelu_python_tanh, found=gelu
            gpt2        | {"scale_attn_by_inverse_layer_idx": true} | key=scale_attn_by_inverse_layer_idx, expected=false, found=true
            gpt2        | {"scale_attn_weights": false}          | key=scale_attn_weights, expected=true, found=false
            gpt2        | {"n_head": 0}                          | key=n_head, expected=1 to 2147483647, found=0
            """)
    void config_badValueOfAnArchitecture_isRefusedByItsKey(String modelType, String json, String message) {
        with(modelType, json).write(folder);
        assertRefused("configuration value is not usable: " + message, "config.json");
    }

    @Test
    void tensors_thatDoNotFitTheConfiguration_areRefused() {
        FolderWriter.of("llama").remove("model.layers.0.mlp.up_proj.weight").write(folder);
        assertRefused("tensor is missing: tensor=model.layers.0.mlp.up_proj.weight, files=1", "model.safetensors");
        FolderWriter.of("llama").remove("lm_head.weight").write(folder);
        assertRefused("tensor is missing: tensor=lm_head.weight, files=1", "model.safetensors");
        FolderWriter.of("llama").remove("model.norm.weight").write(folder);
        assertRefused("tensor is missing: tensor=model.norm.weight, files=1", "model.safetensors");
        with("llama", "{\"attention_bias\": true}").write(folder);
        assertRefused("tensor is missing: tensor=model.layers.0.self_attn.q_proj.bias, files=1", "model.safetensors");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "model.layers.0.self_attn.q_proj.bias",
                "model.layers.1.mlp.up_proj.weight",
                "model.layers.0.block_sparse_moe.gate.weight",
                "norm.weight",
                "score.weight"
            })
    void tensor_thatNobodyAskedFor_isRefused(String name) {
        FolderWriter.of("llama").tensor(name, 8).write(folder);
        String message = refusal();
        assertTrue(
                message.startsWith("tensor must be one of the configured model's: tensor=" + name
                        + ", model_type=llama, file=" + folder.resolve("model.safetensors") + ", offset="),
                message);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {"vocab_size": 6}              | model.embed_tokens.weight, expected=[6, 8], found=[5, 8]
            {"hidden_size": 16}            | model.embed_tokens.weight, expected=[5, 16], found=[5, 8]
            {"intermediate_size": 7}       | model.layers.0.mlp.gate_proj.weight, expected=[7, 8], found=[6, 8]
            {"num_attention_heads": 4}     | model.layers.0.self_attn.q_proj.weight, expected=[16, 8], found=[8, 8]
            {"num_key_value_heads": 2}     | model.layers.0.self_attn.k_proj.weight, expected=[8, 8], found=[4, 8]
            {"num_attention_heads": 536870914, "head_dim": 8} | model.layers.0.self_attn.q_proj.weight, expected=[4294967312, 8], found=[8, 8]
            """)
    void tensor_ofAnotherShape_isRefused(String json, String message) {
        with("llama", json).write(folder);
        String found = refusal();
        assertTrue(
                found.startsWith("tensor must have the shape that the configuration gives it: tensor=" + message
                        + ", file=" + folder.resolve("model.safetensors") + ", offset="),
                found);
    }

    @Test
    void tensor_ofAnotherKindOfShape_isRefused() {
        FolderWriter.of("llama").tensor("model.norm.weight", 1, 1, 8).write(folder);
        assertTrue(refusal().contains("tensor=model.norm.weight, expected=[8], found=[1, 1, 8], file="), refusal());
        FolderWriter.of("llama").tensor("model.norm.weight").write(folder);
        assertTrue(refusal().contains("tensor=model.norm.weight, expected=[8], found=[], file="), refusal());
    }

    @ParameterizedTest
    @ValueSource(strings = {"I64", "F8_E4M3", "F64", "U8"})
    void tensor_ofAnotherType_isRefusedWhereItIsUsed(String dtype) {
        byte[] bytes = new byte[8 * SafetensorsType.valueOf(dtype).bits() / 8];
        FolderWriter.of("llama").tensor("model.norm.weight", dtype, bytes, 8).write(folder);
        assertTrue(
                refusal().startsWith("weights must be F32, F16 or BF16: tensor=model.norm.weight, dtype=" + dtype),
                refusal());
    }

    /// A folder whose files are cut or changed anywhere opens, or is refused in one line with a file of it.
    @ParameterizedTest
    @ValueSource(strings = {"config.json", "model.safetensors.index.json", "a.safetensors"})
    void anyFile_mutated_opensOrIsRefused(String name) throws IOException {
        writeShards("{\"metadata\":{\"total_size\":1},\"weight_map\":{MAP}}");
        Path file = folder.resolve(name);
        byte[] good = Files.readAllBytes(file);
        var random = new Random(1);
        int opened = 0;
        for (int i = 0; i < 1500; i++) {
            byte[] bytes = good.clone();
            for (int change = random.nextInt(3); change >= 0; change--) {
                bytes[random.nextInt(Math.min(bytes.length, 1200))] = random.nextBoolean()
                        ? (byte) random.nextInt()
                        : (byte) "{}[],:\"09-.etn".charAt(random.nextInt(14));
            }
            Files.write(file, i % 3 == 0 ? Arrays.copyOf(bytes, random.nextInt(bytes.length)) : bytes);
            try (var model = HuggingFaceFolder.open(folder)) {
                assertEquals(12, model.tensors().stream().mapToInt(tensor -> 1).sum());
                opened++;
            } catch (ModelFileException e) {
                assertEquals(1, e.getMessage().lines().count(), e.getMessage());
                assertTrue(e.getMessage().contains("file=" + folder), e.getMessage());
            }
        }
        assertTrue(opened < 1500, "opened=" + opened);
    }
}
