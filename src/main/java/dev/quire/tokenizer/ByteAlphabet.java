package dev.quire.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// GPT-2's printable alphabet for bytes: how a byte-level vocabulary writes each of the 256 bytes as one character.
///
/// Bytes that are printable in Latin-1 stand for themselves; the other 68 are U+0100 … U+0143 in byte order (function
/// `bytes_to_unicode` of openai/gpt-2, `src/encoder.py`).
final class ByteAlphabet {
    private static final int BYTES = 256;
    private static final int CHARACTERS = 0x144;

    private final char[] characters = new char[BYTES];
    private final short[] bytes = new short[CHARACTERS]; // -1: not a character of the alphabet

    ByteAlphabet() {
        Arrays.fill(bytes, (short) -1);
        char substitute = 0x100;
        for (int value = 0; value < BYTES; value++) {
            char character = isPrintable(value) ? (char) value : substitute++;
            characters[value] = character;
            bytes[character] = (short) value;
        }
    }

    char character(int value) {
        return characters[value];
    }

    /// The bytes that `name` stands for. A name with a character outside the alphabet stands for its own UTF-8 bytes,
    /// as in Hugging Face's byte-level decoder.
    byte[] bytes(String name) {
        byte[] result = new byte[name.length()];
        for (int i = 0; i < result.length; i++) {
            char character = name.charAt(i);
            if (character >= CHARACTERS || bytes[character] < 0) {
                return name.getBytes(StandardCharsets.UTF_8);
            }
            result[i] = (byte) bytes[character];
        }
        return result;
    }

    /// Whether every character of `name` is of the alphabet, so that a text's bytes can be the token's.
    boolean writes(String name) {
        return name.chars().allMatch(character -> character < CHARACTERS && bytes[character] >= 0);
    }

    private static boolean isPrintable(int value) {
        return (value >= '!' && value <= '~') || (value >= 0xA1 && value <= 0xAC) || value >= 0xAE;
    }
}
