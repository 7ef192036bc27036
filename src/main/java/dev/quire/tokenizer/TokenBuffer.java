package dev.quire.tokenizer;

import java.util.Arrays;

/// Token ids of one text while it is encoded; grows to at most one id per byte of the text plus two. Not thread-safe.
final class TokenBuffer {
    private int[] tokens;
    private int size;

    TokenBuffer(int expected) {
        tokens = new int[Math.max(expected, 8)];
    }

    void add(int token) {
        if (size == tokens.length) {
            tokens = Arrays.copyOf(tokens, size + (size >> 1));
        }
        tokens[size++] = token;
    }

    void addAll(int[] more, int count) {
        if (tokens.length - size < count) {
            tokens = Arrays.copyOf(tokens, Math.max(size + count, size + (size >> 1)));
        }
        System.arraycopy(more, 0, tokens, size, count);
        size += count;
    }

    int size() {
        return size;
    }

    /// The token that was added last; there must be one.
    int last() {
        return tokens[size - 1];
    }

    int[] toArray() {
        return Arrays.copyOf(tokens, size);
    }
}
