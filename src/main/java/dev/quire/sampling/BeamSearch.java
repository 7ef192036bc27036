package dev.quire.sampling;

import java.util.Arrays;
import java.util.BitSet;

/// One beam search, as Hugging Face Transformers 5 does it (`GenerationMixin._beam_search`): which beams live on,
/// and which hypotheses are found. Token ids and log-probabilities only; the keys and values of a beam are its
/// caller's.
///
/// A beam is a place for one token stream, 0 … width - 1. At first beam 0 lives, with the prompt. A step offers
/// each live beam's likeliest tokens, then `advance` does this:
///
/// 1. Of all continuations, by the sum of their log-probabilities, the `width` best are looked at: those that end,
///    with an end token or at the most tokens, become hypotheses, and the `width` best hypotheses are kept. Their
///    score is that sum divided by (generated tokens, the last one counted)^lengthPenalty; the prompt does not
///    count.
/// 2. The `width` best continuations that do not end live on. One that ends and is not among the best is lost.
/// 3. The search is over at the most tokens, or when `earlyStopping` says so.
///
/// Both need no more than the `width + end tokens` likeliest tokens of each beam: of the best `width`, at most
/// `width` come from one beam; of those that do not end, too, and at most every end token is likelier.
///
/// A beam that is continued keeps its place for its best continuation; each other one takes the place of a beam
/// that is not. So who holds blocks for a beam does, in the order of ranks, for each rank with `beam != parent`:
/// give back those of `beam`, then fork those of `parent`; and gives back those of beams that live no more.
///
/// What is not exactly Transformers': where fewer tokens are offered than are needed (small vocabularies, logits
/// of minus infinity) fewer beams live, instead of ones with a score of -1e9; nor can a true hypothesis lose to
/// such a score. Sums and scores are float32, as there.
///
/// Cost of a step: O(width · (width + end tokens) · width), nothing allocated. Memory: 8 bytes · width · maxTokens
/// for the paths. Invariants (`checkInvariants`): live beams are distinct and in order of their sums; hypotheses
/// are in order; a path leads from each to the first token.
///
/// Not thread-safe: the engine thread owns it once it has begun.
public final class BeamSearch {
    private static final int NO_RANK = -1;

    private final BeamParameters parameters;
    private final BitSet endTokens;
    private final int maxTokens;
    private final int[] pathToken; // [maxTokens, width] token of each rank after each step
    private final int[] pathParent; // [maxTokens, width] its parent's rank one step before
    private final float[] sum; // [width] by rank
    private final int[] beam; // [width] by rank
    private final int[] parent; // [width] by rank: the beam it continued
    private final int[] rank; // [width] by beam, or NO_RANK
    private final int[] placed; // [width] by beam: the rank that gets its place, or NO_RANK
    private final BeamRanking best;
    private final BeamRanking continuing;
    private final BeamRanking hypotheses;
    private int live;
    private int length;

    /// For at most `maxTokens` generated tokens; an end token ends a hypothesis.
    public BeamSearch(BeamParameters parameters, BitSet endTokens, int maxTokens) {
        if (maxTokens < 1) {
            throw new IllegalArgumentException("maxTokens must be positive: maxTokens=" + maxTokens);
        }
        int width = parameters.width();
        this.parameters = parameters;
        this.endTokens = (BitSet) endTokens.clone();
        this.maxTokens = maxTokens;
        pathToken = new int[Math.multiplyExact(maxTokens, width)];
        pathParent = new int[pathToken.length];
        sum = new float[width];
        beam = new int[width];
        parent = new int[width];
        rank = new int[width];
        placed = new int[width];
        best = new BeamRanking(width);
        continuing = new BeamRanking(width);
        hypotheses = new BeamRanking(width);
        Arrays.fill(rank, NO_RANK);
        rank[0] = 0;
        live = 1;
    }

    /// Tokens of each live beam, the likeliest first, that a step has to be offered; all, if there are fewer.
    public static int candidates(BeamParameters parameters, BitSet endTokens) {
        return parameters.width() + endTokens.cardinality();
    }

    /// Tokens generated in each live beam.
    public int length() {
        return length;
    }

    /// Beams that live; 0 once the search is over.
    public int live() {
        return live;
    }

    /// The live beam at `rank` in order of the sums of log-probabilities, the best first.
    public int beam(int rank) {
        return beam[checkedRank(rank)];
    }

    /// The beam that the one at `rank` continued in the last step; itself, if it kept its place.
    public int parent(int rank) {
        return parent[checkedRank(rank)];
    }

    /// The last token of the beam at `rank`; there is none before the first step.
    public int token(int rank) {
        if (length == 0) {
            throw new IllegalStateException("token must have been generated: length=0");
        }
        return pathToken[(length - 1) * parameters.width() + checkedRank(rank)];
    }

    private int checkedRank(int index) {
        if (index < 0 || index >= live) {
            throw new IllegalArgumentException("rank must be that of a live beam: rank=" + index + ", live=" + live);
        }
        return index;
    }

    /// One of the next tokens of a live beam, each at most once, with its natural log-probability. One that cannot
    /// come, at minus infinity, is passed over.
    public void offer(int beam, int token, float logprob) {
        if (beam < 0 || beam >= rank.length || rank[beam] == NO_RANK) {
            throw new IllegalArgumentException("beam must live: beam=" + beam + ", width=" + rank.length);
        }
        if (Float.isNaN(logprob)) {
            throw new IllegalArgumentException(
                    "log-probability must be a number: beam=" + beam + ", token=" + token + ", logprob=NaN");
        }
        if (logprob == Float.NEGATIVE_INFINITY) {
            return;
        }
        float total = sum[rank[beam]] + logprob;
        best.offer(total, length + 1, rank[beam], token);
        if (!ends(token)) {
            continuing.offer(total, length + 1, rank[beam], token);
        }
    }

    private boolean ends(int token) {
        return length + 1 == maxTokens || endTokens.get(token);
    }

    /// Takes the step that was offered; false if the search is over with it.
    public boolean advance() {
        if (best.count() == 0) {
            throw new IllegalStateException(
                    "a step must be offered at least one token: live=" + live + ", length=" + length);
        }
        float divisor = divisor(length + 1);
        for (int i = 0; i < best.count(); i++) {
            if (ends(best.token(i))) {
                hypotheses.offer(best.score(i) / divisor, length + 1, best.parent(i), best.token(i));
            }
        }
        place();
        length++;
        best.clear();
        continuing.clear();
        if (over()) {
            live = 0;
            Arrays.fill(rank, NO_RANK);
        }
        return live > 0;
    }

    /// Gives each continuation that lives on its place.
    private void place() {
        Arrays.fill(placed, NO_RANK);
        for (int i = 0; i < continuing.count(); i++) {
            parent[i] = beam[continuing.parent(i)];
            if (placed[parent[i]] == NO_RANK) {
                placed[parent[i]] = i;
            }
        }
        int free = 0;
        for (int i = 0; i < continuing.count(); i++) {
            if (placed[parent[i]] != i) {
                while (placed[free] != NO_RANK) {
                    free++;
                }
                placed[free] = i;
            }
            sum[i] = continuing.score(i);
            pathToken[length * rank.length + i] = continuing.token(i);
            pathParent[length * rank.length + i] = continuing.parent(i);
        }
        live = continuing.count();
        for (int place = 0; place < rank.length; place++) {
            rank[place] = placed[place];
            if (rank[place] != NO_RANK) {
                beam[rank[place]] = place;
            }
        }
    }

    private boolean over() {
        if (live == 0) {
            return true;
        }
        if (!hypotheses.full()) {
            return false;
        }
        // Transformers has no search of one beam: it is greedy there, and its first end is the end.
        if (parameters.earlyStopping() == BeamParameters.EarlyStopping.WHEN_FULL || parameters.width() == 1) {
            return true;
        }
        boolean grows =
                parameters.earlyStopping() == BeamParameters.EarlyStopping.NEVER && parameters.lengthPenalty() > 0;
        float possible = sum[0] / divisor(grows ? maxTokens : length);
        return !(possible > hypotheses.score(hypotheses.count() - 1));
    }

    private float divisor(int tokens) {
        return (float) Math.pow(tokens, parameters.lengthPenalty());
    }

    /// Hypotheses found so far; `width` of them when the search is over, if there were as many.
    public int hypotheses() {
        return hypotheses.count();
    }

    /// Score of the hypothesis at `index`, the best first: log-probability / length^lengthPenalty.
    public float score(int index) {
        return hypotheses.score(checkedHypothesis(index));
    }

    /// Generated tokens of the hypothesis at `index`, an end token too.
    public int[] tokens(int index) {
        int count = hypotheses.length(checkedHypothesis(index));
        int[] tokens = new int[count];
        tokens[count - 1] = hypotheses.token(index);
        int at = hypotheses.parent(index);
        for (int position = count - 2; position >= 0; position--) {
            tokens[position] = pathToken[position * rank.length + at];
            at = pathParent[position * rank.length + at];
        }
        return tokens;
    }

    /// Whether the hypothesis at `index` ends with an end token; else it has the most tokens.
    public boolean ended(int index) {
        return endTokens.get(hypotheses.token(checkedHypothesis(index)));
    }

    private int checkedHypothesis(int index) {
        if (index < 0 || index >= hypotheses.count()) {
            throw new IllegalArgumentException(
                    "index must be below hypotheses: index=" + index + ", hypotheses=" + hypotheses.count());
        }
        return index;
    }

    /// Throws if the search contradicts itself: after each step in tests, when the engine falls idle in production.
    public void checkInvariants() {
        best.checkInvariants();
        continuing.checkInvariants();
        hypotheses.checkInvariants();
        int placesTaken = 0;
        for (int place = 0; place < rank.length; place++) {
            if (rank[place] == NO_RANK) {
                continue;
            }
            placesTaken++;
            if (rank[place] >= live || beam[rank[place]] != place) {
                throw new IllegalStateException(
                        "live beam must be at its rank: beam=" + place + ", rank=" + rank[place] + ", live=" + live);
            }
        }
        if (placesTaken != live || live > rank.length || length > maxTokens) {
            throw new IllegalStateException("live beams must be counted and within bounds: live=" + live + ", counted="
                    + placesTaken + ", length=" + length + ", maxTokens=" + maxTokens);
        }
        for (int i = 1; i < live; i++) {
            if (sum[i] > sum[i - 1]) {
                throw new IllegalStateException(
                        "beams must be in order: rank=" + i + ", sum=" + sum[i] + ", before=" + sum[i - 1]);
            }
        }
        for (int i = 0; i < hypotheses.count(); i++) {
            if (hypotheses.length(i) > length || hypotheses.parent(i) >= rank.length) {
                throw new IllegalStateException("hypothesis must have a path: index=" + i + ", length="
                        + hypotheses.length(i) + ", parent=" + hypotheses.parent(i));
            }
        }
    }
}
