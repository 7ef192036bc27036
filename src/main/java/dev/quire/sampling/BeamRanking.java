package dev.quire.sampling;

/// The best of what it was offered, in order: continuations of beams, or hypotheses. Bounded; the worst falls out.
///
/// Order: by score, then shorter first, then lower parent, then lower token: the place in Transformers' flattened
/// `[beams, vocabulary]`, and earlier hypotheses before later ones. (`torch.topk` promises no order for ties; this
/// one is the same on every run.)
///
/// Invariant (`checkInvariants`): no entry goes before the one ahead of it. Not thread-safe: its search owns it.
final class BeamRanking {
    private final float[] score; // [width]
    private final int[] length; // [width] tokens with the last one
    private final int[] parent; // [width] rank, among the beams before the last token, of the one it continues
    private final int[] token; // [width] the last one
    private int count;

    BeamRanking(int width) {
        score = new float[width];
        length = new int[width];
        parent = new int[width];
        token = new int[width];
    }

    void clear() {
        count = 0;
    }

    int count() {
        return count;
    }

    boolean full() {
        return count == score.length;
    }

    float score(int index) {
        return score[index];
    }

    int length(int index) {
        return length[index];
    }

    int parent(int index) {
        return parent[index];
    }

    int token(int index) {
        return token[index];
    }

    void offer(float offeredScore, int offeredLength, int offeredParent, int offeredToken) {
        int at = count;
        while (at > 0 && precedes(offeredScore, offeredLength, offeredParent, offeredToken, at - 1)) {
            at--;
        }
        if (at == score.length) {
            return;
        }
        count = Math.min(count + 1, score.length);
        for (int i = count - 1; i > at; i--) {
            score[i] = score[i - 1];
            length[i] = length[i - 1];
            parent[i] = parent[i - 1];
            token[i] = token[i - 1];
        }
        score[at] = offeredScore;
        length[at] = offeredLength;
        parent[at] = offeredParent;
        token[at] = offeredToken;
    }

    private boolean precedes(float itsScore, int itsLength, int itsParent, int itsToken, int index) {
        if (itsScore != score[index]) {
            return itsScore > score[index];
        }
        if (itsLength != length[index]) {
            return itsLength < length[index];
        }
        return itsParent != parent[index] ? itsParent < parent[index] : itsToken < token[index];
    }

    void checkInvariants() {
        for (int i = 1; i < count; i++) {
            if (precedes(score[i], length[i], parent[i], token[i], i - 1)) {
                throw new IllegalStateException(
                        "ranking must be in order: index=" + i + ", score=" + score[i] + ", before=" + score[i - 1]);
            }
        }
    }
}
