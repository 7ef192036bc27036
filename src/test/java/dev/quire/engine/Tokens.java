package dev.quire.engine;

import dev.quire.format.GgufFile;
import dev.quire.tokenizer.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.stream.IntStream;

/// Single tokens of the tiny model's tokenizer.
final class Tokens {
    static final Tokenizer TOKENIZER = tokenizer();

    private Tokens() {}

    /// The token that is exactly this one-byte text.
    static int of(String letter) {
        return bytesOf(letter)[0];
    }

    /// A token for each byte of `text`.
    static int[] bytesOf(String text) {
        byte[] wanted = text.getBytes(StandardCharsets.UTF_8);
        return IntStream.range(0, wanted.length)
                .map(i -> IntStream.range(0, 300)
                        .filter(token -> !TOKENIZER.isControl(token))
                        .filter(token ->
                                TOKENIZER.bytes(token).length == 1 && TOKENIZER.bytes(token)[0] == wanted[i])
                        .findFirst()
                        .orElseThrow())
                .toArray();
    }

    private static Tokenizer tokenizer() {
        try (var file = GgufFile.open(Path.of("src/test/resources/models/tiny-llama-q4_1.gguf"))) {
            return Tokenizer.from(file.metadata());
        }
    }
}
