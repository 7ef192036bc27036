package dev.quire.tokenizer;

import dev.quire.format.ModelFileException;
import dev.quire.format.ModelMetadata;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;

/// The tokens of a model: name, type and bytes of each id. Immutable.
///
/// The bytes of all tokens lie in one array, so that 49,152 tokens cost two arrays and not 49,152 objects.
final class Vocabulary {
    static final String TOKENS = "tokenizer.ggml.tokens";
    static final String TYPES = "tokenizer.ggml.token_type";

    /// Which bytes a name stands for in an answer's text.
    @FunctionalInterface
    interface Spelling {
        byte[] bytes(String name, TokenType type, int token, Path file);
    }

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

    /// Names of a byte-level vocabulary are in GPT-2's alphabet, those of added tokens are plain text.
    static Spelling byteLevel(ByteAlphabet alphabet) {
        return (name, type, _, _) -> type.isAdded() ? name.getBytes(StandardCharsets.UTF_8) : alphabet.bytes(name);
    }

    /// SentencePiece writes blanks as ▁ and single bytes as `<0xNN>`; control tokens are plain text.
    static Spelling sentencePiece() {
        return (name, type, token, file) -> switch (type) {
            case NORMAL, UNUSED, USER_DEFINED -> Spacing.name(name.getBytes(StandardCharsets.UTF_8));
            case CONTROL, UNKNOWN -> name.getBytes(StandardCharsets.UTF_8);
            case BYTE -> {
                int value = byteOf(name);
                if (value < 0) {
                    throw new ModelFileException("byte token must be named <0x00> to <0xFF>: name=" + Names.quoted(name)
                            + ", token=" + token + ", file=" + file);
                }
                yield new byte[] {(byte) value};
            }
        };
    }

    /// The byte that a name of the form `<0xNN>` stands for, or -1.
    static int byteOf(String name) {
        boolean formed = name.length() == 6
                && name.startsWith("<0x")
                && name.charAt(5) == '>'
                && HexFormat.isHexDigit(name.charAt(3))
                && HexFormat.isHexDigit(name.charAt(4));
        return formed ? HexFormat.fromHexDigits(name, 3, 5) : -1;
    }

    static Vocabulary from(ModelMetadata metadata, Spelling spelling) {
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
        for (int token = 0; token < names.length; token++) {
            types[token] = TokenType.of(numbers[token], token, file);
        }
        return of(names, types, spelling, file);
    }

    static Vocabulary of(String[] names, TokenType[] types, Spelling spelling, Path file) {
        var offsets = new int[names.length + 1];
        var bytes = new ByteArrayOutputStream(names.length * 8);
        for (int token = 0; token < names.length; token++) {
            bytes.writeBytes(spelling.bytes(names[token], types[token], token, file));
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

    boolean hasBytes(int token, byte[] text, int start, int end) {
        return Arrays.equals(bytes, offsets[token], offsets[token + 1], text, start, end);
    }

    boolean sameBytes(int token, int other) {
        return hasBytes(token, bytes, offsets[other], offsets[other + 1]);
    }

    long hash(int token, long multiplier) {
        return PieceTable.hash(bytes, offsets[token], offsets[token + 1], multiplier);
    }

    /// Thrown, not asserted: ids come from callers.
    void requireToken(int token) {
        if (token < 0 || token >= names.length) {
            throw new IllegalArgumentException(
                    "token must be in the vocabulary: token=" + token + ", vocabulary=" + names.length);
        }
    }
}
