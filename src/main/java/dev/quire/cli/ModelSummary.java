package dev.quire.cli;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import dev.quire.format.GgufFile;
import dev.quire.format.ModelMetadata;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.util.Map;
import java.util.TreeMap;

/// What `inspect` says of a model file; its field names, in snake case, are the JSON's keys. A number that the file
/// does not have, as in one with a vocabulary only, is left out.
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
@JsonInclude(JsonInclude.Include.NON_NULL)
record ModelSummary(
        String file,
        String name,
        String architecture,
        long fileBytes,
        int ggufVersion,
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
            Long contextLength) {}

    @JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Rope(Double base, Long dimensions, String scaling) {}

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

    static ModelSummary of(GgufFile file) {
        ModelMetadata metadata = file.metadata();
        String architecture = text(metadata, "general.architecture");
        Shape shape = shape(metadata, architecture);
        Map<String, TypeTotal> types = new TreeMap<>();
        for (var tensor : file.tensors()) {
            types.merge(
                    tensor.type().name(),
                    new TypeTotal(1, tensor.elements(), tensor.data().byteSize()),
                    TypeTotal::plus);
        }
        return new ModelSummary(
                file.path().toString(),
                text(metadata, "general.name"),
                architecture,
                bytes(file),
                file.version(),
                shape,
                rope(metadata, architecture, shape),
                vocabulary(metadata),
                types.values().stream().mapToLong(TypeTotal::parameters).sum(),
                file.tensors().size(),
                types,
                cache(shape));
    }

    private static Shape shape(ModelMetadata metadata, String prefix) {
        Long embedding = whole(metadata, prefix + ".embedding_length");
        Long heads = whole(metadata, prefix + ".attention.head_count");
        Long kvHeads = whole(metadata, prefix + ".attention.head_count_kv");
        Long headDim = whole(metadata, prefix + ".attention.key_length");
        if (headDim == null && embedding != null && heads != null && heads > 0) {
            headDim = embedding / heads;
        }
        return new Shape(
                whole(metadata, prefix + ".block_count"),
                heads,
                kvHeads == null ? heads : kvHeads,
                headDim,
                embedding,
                whole(metadata, prefix + ".feed_forward_length"),
                whole(metadata, prefix + ".context_length"));
    }

    private static Rope rope(ModelMetadata metadata, String prefix, Shape shape) {
        String key = prefix + ".rope.freq_base";
        Long dimensions = whole(metadata, prefix + ".rope.dimension_count");
        return new Rope(
                metadata.has(key) ? metadata.number(key) : null,
                dimensions == null ? shape.headDim() : dimensions,
                text(metadata, prefix + ".rope.scaling.type"));
    }

    private static Vocabulary vocabulary(ModelMetadata metadata) {
        Object tokens = metadata.values().get("tokenizer.ggml.tokens");
        return new Vocabulary(
                tokens instanceof String[] texts ? texts.length : null,
                text(metadata, "tokenizer.ggml.model"),
                text(metadata, "tokenizer.ggml.pre"),
                metadata.has("tokenizer.chat_template"));
    }

    /// Null where the file does not say enough, or has other numbers for each layer.
    private static Cache cache(Shape shape) {
        if (shape.layers() == null || shape.kvHeads() == null || shape.headDim() == null) {
            return null;
        }
        long tokenBytes = 2 * shape.layers() * shape.kvHeads() * shape.headDim() * CACHE_ELEMENT_BYTES;
        return new Cache(
                tokenBytes,
                BLOCK_TOKENS,
                tokenBytes * BLOCK_TOKENS,
                tokenBytes == 0 ? 0 : (1L << 30) / (tokenBytes * BLOCK_TOKENS) * BLOCK_TOKENS);
    }

    private static Long whole(ModelMetadata metadata, String key) {
        return metadata.values().get(key) instanceof Long value ? value : null;
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
