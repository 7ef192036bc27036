package dev.quire.tokenizer;

import dev.quire.format.ModelMetadata;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.GZIPInputStream;

/// Reads the metadata of a trusted GGUF (version 3, little endian) for this package's tests, which so depend on no
/// other package's reader.
final class VocabularyFile {
    private final ByteBuffer bytes;

    private VocabularyFile(ByteBuffer bytes) {
        this.bytes = bytes.order(ByteOrder.LITTLE_ENDIAN);
    }

    static ModelMetadata metadata(Path file, ByteBuffer bytes) {
        var reader = new VocabularyFile(bytes);
        bytes.position(16);
        long entries = bytes.getLong();
        Map<String, Object> values = new LinkedHashMap<>();
        for (long i = 0; i < entries; i++) {
            values.put(reader.string(), reader.value(bytes.getInt()));
        }
        return new ModelMetadata(file, values);
    }

    /// The tiny trained vocabulary of `tokenizer_vectors.py`.
    static ModelMetadata tiny() {
        try (var packed = VocabularyFile.class.getResourceAsStream("/tokenizer/tiny.gguf.gz");
                var plain = new GZIPInputStream(packed)) {
            return metadata(Path.of("tiny.gguf"), ByteBuffer.wrap(plain.readAllBytes()));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Object value(int type) {
        return switch (type) {
            case 0 -> (long) (bytes.get() & 0xFF);
            case 1 -> (long) bytes.get();
            case 2 -> (long) (bytes.getShort() & 0xFFFF);
            case 3 -> (long) bytes.getShort();
            case 4 -> bytes.getInt() & 0xFFFFFFFFL;
            case 5 -> (long) bytes.getInt();
            case 6 -> (double) bytes.getFloat();
            case 7 -> bytes.get() != 0;
            case 8 -> string();
            case 9 -> array(bytes.getInt(), Math.toIntExact(bytes.getLong()));
            case 10, 11 -> bytes.getLong();
            case 12 -> bytes.getDouble();
            default -> throw new IllegalArgumentException("type must be 0 to 12: type=" + type);
        };
    }

    private Object array(int type, int length) {
        if (type == 8) {
            var strings = new String[length];
            for (int i = 0; i < length; i++) {
                strings[i] = string();
            }
            return strings;
        }
        if (type == 6 || type == 12) {
            var numbers = new double[length];
            for (int i = 0; i < length; i++) {
                numbers[i] = (Double) value(type);
            }
            return numbers;
        }
        var integers = new long[length];
        for (int i = 0; i < length; i++) {
            integers[i] = (Long) value(type);
        }
        return integers;
    }

    private String string() {
        var text = new byte[Math.toIntExact(bytes.getLong())];
        bytes.get(text);
        return new String(text, StandardCharsets.UTF_8);
    }
}
