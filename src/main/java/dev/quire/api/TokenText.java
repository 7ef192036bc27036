package dev.quire.api;

import dev.quire.tokenizer.Tokenizer;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

/// Single tokens as log-probabilities show them.
record TokenText(Tokenizer tokenizer) {
    /// The token's text; bytes that are no whole characters as OpenAI writes them, `bytes:\xe2\x96`, so that different
    /// tokens stay different.
    String text(int token) {
        byte[] bytes = tokenizer.bytes(token);
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException _) {
            return "bytes:" + HexFormat.of().withPrefix("\\x").formatHex(bytes);
        }
    }

    int[] bytes(int token) {
        byte[] bytes = tokenizer.bytes(token);
        var unsigned = new int[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            unsigned[i] = bytes[i] & 0xFF;
        }
        return unsigned;
    }

    /// Characters (code points, as Python's clients count) that begin in the token.
    int width(int token) {
        int width = 0;
        for (byte b : tokenizer.bytes(token)) {
            if ((b & 0xC0) != 0x80) {
                width++;
            }
        }
        return width;
    }
}
