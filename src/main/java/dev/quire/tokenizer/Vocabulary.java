package dev.quire.tokenizer;

import dev.quire.format.ModelFileException;
import dev.quire.format.ModelMetadata;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/// The tokens of a model: name, type and bytes of each id. Immutable.
///
/// The bytes of all tokens lie in one array, so that 49,152 tokens cost two arrays and not 49,152 objects.
final class Vocabulary {
    static final String TOKENS = "tokenizer.ggml.tokens";
    static final String TYPES = "tokenizer.ggml.token_type";

    private final String[] names;
    private final TokenType[] types;
    private final byte[] bytes;
    private final int[] offsets; // [tokens + 1], into bytes

    private Vocabulary(String[] names, TokenType[] types, byte[] bytes, int[] offsets) {
        this.names = names;
        this.types = types;
        this.bytes = bytes;
        this.offsets = offsets;
    }

    static Vocabulary from(ModelMetadata metadata, ByteAlphabet alphabet) {
        Path file = metadata.file();
        String[] names = metadata.strings(TOKENS);
        long[] numbers = metadata.integers(TYPES);
        if (names.length == 0) {
            throw new ModelFileException("vocabulary must not be empty: key=" + TOKENS + ", file=" + file);
        }
        if (names.length != numbers.length) {
            throw new ModelFileException("every token must have a type: tokens=" + names.length + ", types="
                    + numbers.length + ", file=" + file);
        }
        var types = new TokenType[names.length];
        var offsets = new int[names.length + 1];
        var bytes = new ByteArrayOutputStream(names.length * 8);
        for (int token = 0; token < names.length; token++) {
            types[token] = TokenType.of(numbers[token], token, file);
            bytes.writeBytes(
                    types[token].isAdded()
                            ? names[token].getBytes(StandardCharsets.UTF_8)
                            : alphabet.bytes(names[token]));
            offsets[token + 1] = bytes.size();
        }
        return new Vocabulary(names, types, bytes.toByteArray(), offsets);
    }

    /// Name → id. Built for start-up only: encoding needs the merges, not the names.
    Map<String, Integer> ids(Path file) {
        var ids = HashMap.<String, Integer>newHashMap(names.length);
        for (int token = 0; token < names.length; token++) {
            Integer earlier = ids.putIfAbsent(names[token], token);
            if (earlier != null) {
                throw new ModelFileException("tokens must be distinct: name=" + Names.quoted(names[token]) + ", token="
                        + earlier + ", duplicate=" + token + ", file=" + file);
            }
        }
        return ids;
    }

    int size() {
        return names.length;
    }

    String name(int token) {
        return names[token];
    }

    TokenType type(int token) {
        return types[token];
    }

    /// Number of bytes that the token stands for.
    int length(int token) {
        return offsets[token + 1] - offsets[token];
    }

    byte[] bytes(int token) {
        return Arrays.copyOfRange(bytes, offsets[token], offsets[token + 1]);
    }

    void copyBytes(int token, byte[] target, int position) {
        System.arraycopy(bytes, offsets[token], target, position, length(token));
    }

    /// Thrown, not asserted: ids come from callers.
    void requireToken(int token) {
        if (token < 0 || token >= names.length) {
            throw new IllegalArgumentException(
                    "token must be in the vocabulary: token=" + token + ", vocabulary=" + names.length);
        }
    }
}
