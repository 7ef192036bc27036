package dev.quire.cli;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import dev.quire.format.GgufFile;
import dev.quire.format.HuggingFaceFolder;
import dev.quire.format.ModelFile;
import dev.quire.format.ModelMetadata;
import dev.quire.tokenizer.ChatTemplateFiles;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.LongStream;
import java.util.stream.Stream;

/// What `inspect` says of a model; its field names, in snake case, are the JSON's keys. A number that the model
/// does not have, as in a file with a vocabulary only, is left out.
///
/// - `format`, `files`: of a folder, `safetensors` and how many hold its tensors
/// - `fileBytes`: of those files, or of the GGUF file
/// - `parameters`, `tensors`, `tensorTypes`: of the tensors that the model uses, as they are stored
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
@JsonInclude(JsonInclude.Include.NON_NULL)
record ModelSummary(
        String file,
        String name,
        String architecture,
        String format,
        Integer files,
        long fileBytes,
        Integer ggufVersion,
        Shape shape,
        Rope rope,
        Vocabulary vocabulary,
        long parameters,
        int tensors,
        Map<String, TypeTotal> tensorTypes,
        Cache cache) {
    /// Tokens of one block: the kernels' page.
    static final int BLOCK_TOKENS = 16;

    /// Bytes of one element of the cache, which stores 16-bit numbers.
    private static final int CACHE_ELEMENT_BYTES = 2;

    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Shape(
            Long layers,
            Long heads,
            Long kvHeads,
            Long headDim,
            Long embedding,
            Long feedForward,
            Long contextLength,
            Long slidingWindow) {}

    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Rope(Double base, Long dimensions, String scaling, Double factor, Long originalContextLength) {}

    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Vocabulary(Integer tokens, String tokenizer, String preTokenizer, boolean chatTemplate) {}

    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    record TypeTotal(int tensors, long parameters, long bytes) {
        TypeTotal plus(TypeTotal other) {
            return new TypeTotal(tensors + other.tensors, parameters + other.parameters, bytes + other.bytes);
        }
    }

    /// Keys and values of every layer: `2 · layers · kvHeads · headDim · 2` bytes a token.
    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    record Cache(long bytesPerToken, int blockTokens, long bytesPerBlock, long tokensPerGib) {}

    static ModelSummary of(ModelFile file) {
        return switch (file) {
            case GgufFile gguf ->
                of(
                        gguf,
                        new Storage(null, null, bytes(gguf), gguf.version(), types(gguf)),
                        vocabulary(gguf.metadata()));
            case HuggingFaceFolder folder ->
                of(
                        folder,
                        new Storage("safetensors", folder.files().size(), folder.bytes(), null, types(folder)),
                        vocabulary(folder));
        };
    }

    /// How a model is stored; null is what its format does not have.
    private record Storage(String format, Integer files, long bytes, Integer version, Map<String, TypeTotal> types) {}

    private static ModelSummary of(ModelFile file, Storage storage, Vocabulary vocabulary) {
        ModelMetadata metadata = file.metadata();
        String architecture = text(metadata, "general.architecture");
        Shape shape = shape(metadata, architecture);
        return new ModelSummary(
                file.path().toString(),
                text(metadata, "general.name"),
                architecture,
                storage.format(),
                storage.files(),
                storage.bytes(),
                storage.version(),
                shape,
                rope(file, architecture, shape),
                vocabulary,
                storage.types().values().stream()
                        .mapToLong(TypeTotal::parameters)
                        .sum(),
                storage.types().values().stream().mapToInt(TypeTotal::tensors).sum(),
                storage.types(),
                cache(shape));
    }

    private static Map<String, TypeTotal> types(GgufFile file) {
        Map<String, TypeTotal> types = new TreeMap<>();
        for (var tensor : file.tensors()) {
            types.merge(
                    tensor.type().name(),
                    new TypeTotal(1, tensor.elements(), tensor.data().byteSize()),
                    TypeTotal::plus);
        }
        return types;
    }

    private static Map<String, TypeTotal> types(HuggingFaceFolder folder) {
        Map<String, TypeTotal> types = new TreeMap<>();
        for (var tensor : folder.stored()) {
            types.merge(
                    tensor.type().name(),
                    new TypeTotal(1, tensor.elements(), tensor.data().byteSize()),
                    TypeTotal::plus);
        }
        return types;
    }

    private static Shape shape(ModelMetadata metadata, String prefix) {
        Long embedding = whole(metadata, prefix + ".embedding_length");
        Long heads = whole(metadata, prefix + ".attention.head_count");
        String kvHeads = prefix + ".attention.head_count_kv";
        Long headDim = whole(metadata, prefix + ".attention.key_length");
        Long window = whole(metadata, prefix + ".attention.sliding_window");
        if (headDim == null && embedding != null && heads != null && heads > 0) {
            headDim = embedding / heads;
        }
        return new Shape(
                whole(metadata, prefix + ".block_count"),
                heads,
                metadata.has(kvHeads) ? whole(metadata, kvHeads) : heads,
                headDim,
                embedding,
                whole(metadata, prefix + ".feed_forward_length"),
                whole(metadata, prefix + ".context_length"),
                window == null || window == 0 ? null : window); // 0: there is none
    }

    private static Rope rope(ModelFile file, String prefix, Shape shape) {
        if (file.find("position_embd.weight").isPresent()) {
            return null; // positions are learned and not turned
        }
        ModelMetadata metadata = file.metadata();
        Long dimensions = whole(metadata, prefix + ".rope.dimension_count");
        return new Rope(
                number(metadata, prefix + ".rope.freq_base"),
                dimensions == null ? shape.headDim() : dimensions,
                scaling(file, prefix),
                number(metadata, prefix + ".rope.scaling.factor"),
                whole(metadata, prefix + ".rope.scaling.original_context_length"));
    }

    /// What the key says, or the tensors where it does not: Llama 3's scaling is one and no key, and llama.cpp's
    /// converter leaves out the key of LongRoPE.
    private static String scaling(ModelFile file, String prefix) {
        String key = text(file.metadata(), prefix + ".rope.scaling.type");
        if (key != null && !key.equals("none")) {
            return key;
        }
        if (file.find("rope_factors_long.weight").isPresent()) {
            return "longrope";
        }
        return file.find("rope_freqs.weight").isPresent() ? "llama3" : key;
    }

    private static Double number(ModelMetadata metadata, String key) {
        return metadata.has(key) ? metadata.number(key) : null;
    }

    private static Vocabulary vocabulary(ModelMetadata metadata) {
        String tokens = "tokenizer.ggml.tokens";
        return new Vocabulary(
                metadata.has(tokens) ? metadata.stringCount(tokens) : null,
                text(metadata, "tokenizer.ggml.model"),
                text(metadata, "tokenizer.ggml.pre"),
                metadata.has("tokenizer.chat_template"));
    }

    private static Vocabulary vocabulary(HuggingFaceFolder folder) {
        ModelMetadata metadata = folder.metadata();
        Long tokens = whole(metadata, text(metadata, "general.architecture") + ".vocab_size");
        boolean chatTemplate =
                !ChatTemplateFiles.read(folder.path()).templates().isEmpty();
        return new Vocabulary(Math.toIntExact(tokens), tokenizerFile(folder).orElse(null), null, chatTemplate);
    }

    /// The file of a folder that its tokenizer is read from, if it has one.
    static Optional<String> tokenizerFile(HuggingFaceFolder folder) {
        return Stream.of("tokenizer.json", "tokenizer.model", "vocab.json")
                .filter(name -> Files.exists(folder.path().resolve(name)))
                .findFirst();
    }

    /// Null where the file does not say enough, has other numbers for each layer, or none that could be.
    private static Cache cache(Shape shape) {
        if (!isSize(shape.layers()) || !isSize(shape.kvHeads()) || !isSize(shape.headDim())) {
            return null;
        }
        long tokenBytes = 2 * shape.layers() * shape.kvHeads() * shape.headDim() * CACHE_ELEMENT_BYTES;
        return new Cache(
                tokenBytes,
                BLOCK_TOKENS,
                tokenBytes * BLOCK_TOKENS,
                (1L << 30) / (tokenBytes * BLOCK_TOKENS) * BLOCK_TOKENS);
    }

    /// Bounded so that the product of three does not overflow.
    private static boolean isSize(Long value) {
        return value != null && value > 0 && value <= 1 << 18;
    }

    /// A number, or the one of every layer where there is one for each; null where they differ.
    private static Long whole(ModelMetadata metadata, String key) {
        return switch (metadata.values().get(key)) {
            case Long value -> value;
            case long[] values when LongStream.of(values).distinct().count() == 1 -> values[0];
            case null, default -> null;
        };
    }

    private static String text(ModelMetadata metadata, String key) {
        return metadata.values().get(key) instanceof String value ? value : null;
    }

    private static long bytes(GgufFile file) {
        try {
            return Files.size(file.path());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
