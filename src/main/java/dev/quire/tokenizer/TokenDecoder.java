package dev.quire.tokenizer;

import java.nio.charset.StandardCharsets;

/// Turns a stream of tokens into text, whole characters only: bytes of an unfinished UTF-8 character wait for the
/// rest; bytes that can never become one turn into U+FFFD as Java's decoder does. Control tokens give no text. Not
/// thread-safe.
///
/// All texts together are `new String(bytes, UTF_8)` of all bytes together: it cuts only in front of a byte that
/// begins a character, where Java's decoder, too, begins anew whatever stood before.
public final class TokenDecoder {
    /// A character has at most four bytes, so at most three wait.
    private static final int MOST_WAITING = 3;

    private final Vocabulary vocabulary;
    private final byte[] waiting = new byte[MOST_WAITING];
    private int waitingBytes;

    TokenDecoder(Vocabulary vocabulary) {
        this.vocabulary = vocabulary;
    }

    /// The text that became complete with `token`; may be empty.
    public String next(int token) {
        vocabulary.requireToken(token);
        if (vocabulary.type(token) == TokenType.CONTROL) {
            return "";
        }
        int length = waitingBytes + vocabulary.length(token);
        var bytes = new byte[length];
        System.arraycopy(waiting, 0, bytes, 0, waitingBytes);
        vocabulary.copyBytes(token, bytes, waitingBytes);
        int complete = completeBytes(bytes);
        waitingBytes = length - complete;
        System.arraycopy(bytes, complete, waiting, 0, waitingBytes);
        return new String(bytes, 0, complete, StandardCharsets.UTF_8);
    }

    /// What is left at the end: U+FFFD for an unfinished character, else empty.
    public String finish() {
        var rest = new String(waiting, 0, waitingBytes, StandardCharsets.UTF_8);
        waitingBytes = 0;
        return rest;
    }

    /// Bytes before the character that is unfinished at the end, if there is one.
    private static int completeBytes(byte[] bytes) {
        int oldest = Math.max(bytes.length - MOST_WAITING, 0);
        for (int i = bytes.length - 1; i >= oldest; i--) {
            if ((bytes[i] & 0xC0) != 0x80) {
                return i + characterBytes(bytes[i] & 0xFF) > bytes.length ? i : bytes.length;
            }
        }
        return bytes.length;
    }

    /// Bytes of the character that begins with `first`; 1 for one that can begin none (RFC 3629: C0, C1, F5 and up).
    private static int characterBytes(int first) {
        if (first < 0xC2 || first > 0xF4) {
            return 1;
        }
        return first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    }
}
