package dev.quire.tokenizer;

import dev.quire.format.ModelFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;

/// Byte-level byte-pair encoding of one piece (Sennrich et al., 2016; on bytes as in GPT-2).
///
/// A piece starts as one token per byte; the pair of neighbours with the smallest rank, of equal ones the leftmost, is
/// merged until none merges. A pair's rank does not change while both its tokens stand, and a token's name says which
/// bytes it covers, so the result does not depend on how the smallest rank is found. Short pieces scan an array of
/// ranks (n² steps, but n is small and the array is in the first-level cache); long ones use a heap and a linked list
/// (n log n), so that a megabyte without a space takes well under a second and not hours.
///
/// A byte that the vocabulary does not have gives no token, as in Hugging Face's BPE without an unknown token and in
/// llama.cpp. SmolLM2 lacks 21: the 13 that UTF-8 never uses, F1 and F2, which begin no assigned character, and the
/// control characters 04, 06, 13, 14, 16 and 1D. Immutable but for its cache, and thread-safe.
final class BytePairEncoder {
    /// Symbols. Random letters on a Zen 5 core: 72 ns a symbol by scan and 82 by heap at 64, equal at 128,
    /// 155 and 98 at 512.
    private static final int LONGEST_SCAN = 64;

    private static final int NO_TOKEN = -1;

    private final MergeTable merges;
    private final int[] byteTokens = new int[256]; // NO_TOKEN where the vocabulary lacks the byte
    private final Optional<WholeTokens> wholeTokens; // looked up before merging
    private final PieceCache cache = new PieceCache();

    BytePairEncoder(
            MergeTable merges,
            ByteAlphabet alphabet,
            Map<String, Integer> ids,
            Optional<WholeTokens> wholeTokens,
            Path file) {
        this.merges = merges;
        this.wholeTokens = wholeTokens;
        int known = 0;
        for (int value = 0; value < byteTokens.length; value++) {
            byteTokens[value] = ids.getOrDefault(String.valueOf(alphabet.character(value)), NO_TOKEN);
            known += byteTokens[value] == NO_TOKEN ? 0 : 1;
        }
        if (known == 0) {
            throw new ModelFileException("a byte-level vocabulary must have tokens of one byte: file=" + file);
        }
    }

    /// Appends the tokens of `text[start, end)`.
    void encode(byte[] text, int start, int end, TokenBuffer tokens) {
        if (end - start > PieceCache.LONGEST) {
            int[] found = tokens(text, start, end);
            tokens.addAll(found, found.length);
            return;
        }
        int[] cached = cache.get(text, start, end);
        if (cached == null) {
            cached = tokens(text, start, end);
            cache.put(text, start, end, cached);
        }
        tokens.addAll(cached, cached.length);
    }

    private int[] tokens(byte[] text, int start, int end) {
        int whole = wholeTokens.isPresent() ? wholeTokens.get().find(text, start, end) : NO_TOKEN;
        if (whole != NO_TOKEN) {
            return new int[] {whole};
        }
        int[] symbols = new int[end - start];
        int count = symbols(text, start, end, symbols);
        return Arrays.copyOf(
                symbols, count <= LONGEST_SCAN ? mergeByScan(symbols, count) : mergeByHeap(symbols, count));
    }

    private int symbols(byte[] text, int start, int end, int[] symbols) {
        int count = 0;
        for (int i = start; i < end; i++) {
            int token = byteTokens[text[i] & 0xFF];
            if (token != NO_TOKEN) {
                symbols[count++] = token;
            }
        }
        return count;
    }

    /// Merges in place; returns how many tokens are left.
    int mergeByScan(int[] symbols, int count) {
        var ranks = new int[Math.max(count, 1)]; // of the pair (i, i + 1); the last one never merges
        for (int i = 0; i + 1 < count; i++) {
            ranks[i] = merges.rank(symbols[i], symbols[i + 1]);
        }
        int left = count;
        while (left > 1) {
            int best = 0;
            for (int i = 1; i + 1 < left; i++) {
                best = ranks[i] < ranks[best] ? i : best;
            }
            if (ranks[best] == MergeTable.NO_RANK) {
                break;
            }
            symbols[best] = merges.merged(ranks[best]);
            System.arraycopy(symbols, best + 2, symbols, best + 1, left - best - 2);
            System.arraycopy(ranks, best + 1, ranks, best, left - best - 1);
            left--;
            if (best > 0) {
                ranks[best - 1] = merges.rank(symbols[best - 1], symbols[best]);
            }
            if (best + 1 < left) {
                ranks[best] = merges.rank(symbols[best], symbols[best + 1]);
            }
        }
        return left;
    }

    /// Merges in place; returns how many tokens are left.
    int mergeByHeap(int[] symbols, int count) {
        var next = new int[count];
        var previous = new int[count];
        var queue = new MergeQueue(count);
        for (int i = 0; i < count; i++) {
            next[i] = i + 1;
            previous[i] = i - 1;
            if (i + 1 < count) {
                offer(queue, i, symbols[i], symbols[i + 1]);
            }
        }
        while (!queue.isEmpty()) {
            long candidate = queue.remove();
            int rank = (int) (candidate >>> 32);
            int position = (int) candidate;
            // A merge nearby may have taken either token since this was offered.
            if (symbols[position] == NO_TOKEN
                    || next[position] == count
                    || merges.rank(symbols[position], symbols[next[position]]) != rank) {
                continue;
            }
            int taken = next[position];
            symbols[position] = merges.merged(rank);
            symbols[taken] = NO_TOKEN;
            next[position] = next[taken];
            if (next[position] < count) {
                previous[next[position]] = position;
                offer(queue, position, symbols[position], symbols[next[position]]);
            }
            if (previous[position] >= 0) {
                offer(queue, previous[position], symbols[previous[position]], symbols[position]);
            }
        }
        int left = 0;
        for (int i = 0; i < count; i = next[i]) {
            symbols[left++] = symbols[i];
        }
        return left;
    }

    private void offer(MergeQueue queue, int position, int left, int right) {
        int rank = merges.rank(left, right);
        if (rank != MergeTable.NO_RANK) {
            queue.add(rank, position);
        }
    }
}
