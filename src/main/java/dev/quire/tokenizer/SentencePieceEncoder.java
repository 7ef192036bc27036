package dev.quire.tokenizer;

import java.util.Arrays;

/// BPE over characters, blanks among them (Kudo and Richardson, 2018, with Sennrich et al., 2016).
///
/// A text starts as one symbol per character; the pair of neighbours that merges first by {@link PairMerges}, of equal
/// ones the leftmost, is merged until none merges. What is still a character that the vocabulary does not have becomes
/// the tokens of its bytes, or the unknown token where the vocabulary lacks one of those; unknown characters in a row
/// give one unknown token if they are fused.
///
/// There are no words here, so a text would be one long piece; {@link CharacterCuts} says where it comes apart all the
/// same. Pieces are merged with a heap and a linked list (n log n). Immutable but for its cache, and thread-safe.
final class SentencePieceEncoder implements TextEncoder {
    private static final int NO_TOKEN = PairMerges.NO_TOKEN;

    /// What a character becomes that has no token.
    ///
    /// - `byteTokens[256]`: -1 where the vocabulary lacks the byte
    /// - `token`: the unknown token, or -1
    record Unknown(int[] byteTokens, int token, boolean fuses) {}

    private final PairMerges merges;
    private final CharacterCuts cuts;
    private final Spacing spacing;
    private final boolean cutsAtBlanks;
    private final Unknown unknown;
    private final PieceCache cache = new PieceCache();

    /// `cutsAtBlanks`: words are merged one by one, each with the blank in front of it.
    SentencePieceEncoder(
            PairMerges merges, CharacterCuts cuts, Spacing spacing, boolean cutsAtBlanks, Unknown unknown) {
        this.merges = merges;
        this.cuts = cuts;
        this.spacing = spacing;
        this.cutsAtBlanks = cutsAtBlanks;
        this.unknown = unknown;
    }

    @Override
    public void encode(byte[] text, int start, int end, boolean atStart, TokenBuffer tokens) {
        byte[] spaced = withoutLost(spacing.apply(text, start, end, atStart));
        int wordTokens = tokens.size(); // where unknown characters stop being in a row
        int piece = 0;
        int left = -1;
        for (int i = 0; i < spaced.length; i += Utf8.length(spaced[i])) {
            int right = Utf8.codePoint(spaced, i);
            boolean wordBegins = cutsAtBlanks && right == ' ';
            if (i > 0 && (wordBegins || !cuts.joins(left, right))) {
                append(spaced, piece, i, wordTokens, tokens);
                piece = i;
                wordTokens = wordBegins ? tokens.size() : wordTokens;
            }
            left = right;
        }
        append(spaced, piece, spaced.length, wordTokens, tokens);
    }

    /// Where there is no unknown token, characters that nothing stands for go first: what stood around them may merge.
    private byte[] withoutLost(byte[] text) {
        if (unknown.token() != NO_TOKEN) {
            return text;
        }
        var kept = new byte[text.length];
        int size = 0;
        for (int i = 0; i < text.length; ) {
            int end = i + Utf8.length(text[i]);
            if (merges.character(text, i, end) != NO_TOKEN || hasBytes(text, i, end)) {
                System.arraycopy(text, i, kept, size, end - i);
                size += end - i;
            }
            i = end;
        }
        return size == text.length ? text : Arrays.copyOf(kept, size);
    }

    private void append(byte[] text, int start, int end, int wordTokens, TokenBuffer tokens) {
        if (start == end) {
            return;
        }
        int[] found;
        if (end - start > PieceCache.LONGEST) {
            found = merge(text, start, end);
        } else {
            found = cache.get(text, start, end);
            if (found == null) {
                found = merge(text, start, end);
                cache.put(text, start, end, found);
            }
        }
        boolean follows = found.length > 0
                && unknown.fuses()
                && found[0] == unknown.token()
                && tokens.size() > wordTokens
                && tokens.last() == unknown.token();
        for (int i = follows ? 1 : 0; i < found.length; i++) {
            tokens.add(found[i]);
        }
    }

    private int[] merge(byte[] text, int start, int end) {
        var starts = new int[end - start + 1];
        var ids = new int[end - start];
        int count = 0;
        for (int i = start; i < end; i = starts[count]) {
            starts[count + 1] = i + Utf8.length(text[i]);
            starts[count] = i;
            ids[count] = merges.character(text, i, starts[count + 1]);
            count++;
        }
        var next = new int[count];
        if (count > 1) {
            mergePairs(text, starts, ids, next, count);
        } else {
            next[0] = 1;
        }
        return tokens(text, starts, ids, next, count);
    }

    /// Symbol i begins at `starts[i]` and ends where `next[i]` begins; its token is `ids[i]`.
    private void mergePairs(byte[] text, int[] starts, int[] ids, int[] next, int count) {
        var previous = new int[count];
        var merged = new long[count]; // what symbol i and the next become
        var queue = new MergeQueue(count);
        for (int i = 0; i < count; i++) {
            next[i] = i + 1;
            previous[i] = i - 1;
        }
        for (int i = 0; i < count; i++) {
            offer(queue, i, text, starts, ids, next, merged);
        }
        while (!queue.isEmpty()) {
            long candidate = queue.remove();
            int position = (int) candidate;
            // A merge nearby may have taken either symbol since this was offered.
            if (merged[position] >>> 32 != candidate >>> 32) {
                continue;
            }
            int taken = next[position];
            ids[position] = (int) merged[position];
            merged[taken] = PairMerges.NO_MERGE;
            next[position] = next[taken];
            if (next[position] < count) {
                previous[next[position]] = position;
            }
            offer(queue, position, text, starts, ids, next, merged);
            if (previous[position] >= 0) {
                offer(queue, previous[position], text, starts, ids, next, merged);
            }
        }
    }

    private void offer(
            MergeQueue queue, int position, byte[] text, int[] starts, int[] ids, int[] next, long[] merged) {
        int right = next[position];
        merged[position] = right == next.length
                ? PairMerges.NO_MERGE
                : merges.merge(text, starts[position], starts[next[right]], ids[position], ids[right]);
        if (merged[position] != PairMerges.NO_MERGE) {
            queue.add((int) (merged[position] >>> 32), position);
        }
    }

    private int[] tokens(byte[] text, int[] starts, int[] ids, int[] next, int count) {
        var tokens = new TokenBuffer(count);
        for (int i = 0; i < count; i = next[i]) {
            if (ids[i] != NO_TOKEN) {
                tokens.add(ids[i]);
            } else if (hasBytes(text, starts[i], starts[next[i]])) {
                for (int k = starts[i]; k < starts[next[i]]; k++) {
                    tokens.add(unknown.byteTokens()[text[k] & 0xFF]);
                }
            } else if (!unknown.fuses() || tokens.size() == 0 || tokens.last() != unknown.token()) {
                tokens.add(unknown.token());
            }
        }
        return tokens.toArray();
    }

    private boolean hasBytes(byte[] text, int start, int end) {
        for (int i = start; i < end; i++) {
            if (unknown.byteTokens()[text[i] & 0xFF] == NO_TOKEN) {
                return false;
            }
        }
        return true;
    }

    /// The tokens of single bytes; -1 where the vocabulary lacks one.
    static int[] byteTokens(Vocabulary vocabulary) {
        var tokens = new int[256];
        Arrays.fill(tokens, NO_TOKEN);
        for (int token = 0; token < vocabulary.size(); token++) {
            if (vocabulary.type(token) == TokenType.BYTE) {
                tokens[vocabulary.bytes(token)[0] & 0xFF] = token;
            }
        }
        return tokens;
    }
}
