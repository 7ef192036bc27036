package dev.quire.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.quire.format.ModelMetadata;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.zip.GZIPInputStream;

/// What `src/test/scripts/byte_level_vectors.py` made with Hugging Face tokenizers.
final class ByteLevelVectors {
    private ByteLevelVectors() {}

    /// The vocabulary as if its file named this pre-tokenizer.
    static ModelMetadata vocabulary(String preTokenizer) {
        var metadata = VocabularyFile.metadata(Path.of("m.gguf"), ByteBuffer.wrap(bytes("vocabulary.gguf.gz")));
        Map<String, Object> values = new HashMap<>(metadata.values());
        values.put(GgufPreTokenizer.PRE, preTokenizer);
        return new ModelMetadata(metadata.file(), values);
    }

    static JsonNode json(String name) {
        try {
            return new ObjectMapper().readTree(bytes(name));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static String[] texts() {
        JsonNode json = json("texts.json.gz");
        var texts = new String[json.size()];
        for (int i = 0; i < texts.length; i++) {
            texts[i] = json.get(i).textValue();
        }
        return texts;
    }

    /// The ids of each text with this pre-tokenizer.
    static int[][] ids(String preTokenizer, int texts) {
        var packed = ByteBuffer.wrap(bytes(preTokenizer + ".bin.gz"));
        int[][] others = preTokenizer.equals("gpt-2") ? new int[0][] : ids("gpt-2", texts);
        var ids = new int[texts][];
        for (int i = 0; i < texts; i++) {
            int length = number(packed) - 1;
            ids[i] = length < 0 ? others[i] : new int[length];
            for (int k = 0; k < length; k++) {
                ids[i][k] = number(packed);
            }
        }
        return ids;
    }

    private static int number(ByteBuffer packed) {
        int number = 0;
        for (int shift = 0; ; shift += 7) {
            byte next = packed.get();
            number |= (next & 0x7F) << shift;
            if (next >= 0) {
                return number;
            }
        }
    }

    private static byte[] bytes(String name) {
        try (InputStream packed = ByteLevelVectors.class.getResourceAsStream("/tokenizer/byte_level/" + name);
                var plain = new GZIPInputStream(packed)) {
            return plain.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
